import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A fresh folder that is gone when the test ends. */
export function tempDir(t: Pick<TestContext, 'after'>): string {
  const path = mkdtempSync(join(tmpdir(), 'sotto-test-'));
  t.after(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}
