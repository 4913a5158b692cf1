import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { findIn, searchFolders, spellings } from '../e2e/support/search.ts';
import { tempDir } from './temp-dir.ts';

const CANARY = 'canary "/&+ü=0123456789';
const wanted = spellings(CANARY);

test('a value is found in base64 wherever it stands inside what was encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, after) => {
      const bytes = Buffer.concat([before, Buffer.from(CANARY), after]);
      for (const encoding of ['base64', 'base64url'] as const) {
        const found = findIn(bytes.toString(encoding), wanted);
        assert.ok(
          found.some((name) => name.startsWith('base64')),
          `${before.length} bytes before`,
        );
      }
    }),
  );
});

test('a value is found across the border of two chunks of a large file, and nothing is found where it is not', (t) => {
  const folder = tempDir(t);
  const border = 8 * 1024 * 1024;
  const bytes = Buffer.alloc(2 * border);
  writeFileSync(join(folder, 'without'), bytes);
  bytes.write(CANARY, border - 7);
  writeFileSync(join(folder, 'with'), bytes);
  const { found, files } = searchFolders([folder], wanted);
  assert.deepEqual(found, [{ file: join(folder, 'with'), spelling: 'raw' }]);
  assert.equal(files, 2);
});
