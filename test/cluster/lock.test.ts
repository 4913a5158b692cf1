import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tryLock } from './lock.ts';
import { waitFor } from './poll.ts';

const deadlineMs = 10_000;
const onlyLinux = { skip: process.platform !== 'linux' };

function makeDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'));
  t.after(() => rmdirSync(directory));
  return directory;
}

/** Whether somebody waits for the lock of the directory, proc_locks(5). */
function isBlocked(directory: string): true | undefined {
  const inode = `:${statSync(directory).ino} `;
  const locks = readFileSync('/proc/locks', 'utf8').split('\n');
  return locks.some((line) => line.includes('->') && line.includes(inode)) ? true : undefined;
}

test('only one has the lock, and the next one gets it when it is released', onlyLinux, async (t) => {
  const directory = makeDirectory(t);
  const release = (await tryLock(directory, 1)) ?? assert.fail();
  assert.equal(await tryLock(directory, 0), undefined);
  release();
  const next = await waitFor('the lock', () => tryLock(directory, 1), { deadlineMs });
  next();
});

test(
  'a lock of a directory that has been removed and made anew meanwhile is worth nothing',
  onlyLinux,
  async (t) => {
    const directory = makeDirectory(t);
    const release = (await tryLock(directory, 1)) ?? assert.fail();
    const waiting = tryLock(directory, 5);
    await waitFor('the waiting process to have opened the old directory', () => isBlocked(directory), {
      deadlineMs,
    });
    rmdirSync(directory);
    mkdirSync(directory);
    release();
    assert.equal(await waiting, undefined);
  },
);

test('a path that does not exist cannot be locked', onlyLinux, async () => {
  assert.equal(await tryLock('/nonexistent/lock', 0), undefined);
});
