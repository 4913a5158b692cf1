import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkMemory, hasSwap, isNoswap } from '../../init-container/check-memory.ts';
import type { Failure } from '../../init-container/failure.ts';
import { createMemoryDirectory } from './support/program.ts';

const MOUNTS = `21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:30 / /sotto rw,relatime shared:5 - tmpfs tmpfs rw,size=4096k,noswap
31 21 0:31 / /sotto2 rw,relatime - tmpfs tmpfs rw,size=4096k
32 21 0:32 / /twice rw - tmpfs tmpfs rw,noswap
33 32 0:33 / /twice rw - tmpfs tmpfs rw
`;

test('a volume in memory passes', () => {
  checkMemory(createMemoryDirectory(), () => undefined);
});

test('a volume on a disk is refused', (t) => {
  const directory = mkdtempSync(join(import.meta.dirname, 'on-disk-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const isOnDisk = statfsSync(directory).type !== 0x01021994;
  const events: string[] = [];
  const check = () => checkMemory(directory, (_level, event) => events.push(event));
  if (isOnDisk) {
    assert.throws(check, ({ reason, message }: Failure) => {
      assert.equal(reason, 'volume_not_in_memory');
      assert.match(
        message,
        /^the volume of this pod's secrets is not in memory but on \w+, so nothing was written/,
      );
      return true;
    });
  } else check(); // a checkout in memory
});

test('a directory that is not there is called that', () => {
  assert.throws(() => checkMemory(join(createMemoryDirectory(), 'none'), () => undefined), {
    reason: 'volume_not_writable',
    message: /ENOENT/,
  });
});

test('a file system that nobody knows is a warning and no refusal', () => {
  const lines: string[] = [];
  checkMemory('/proc', (level, event) => lines.push(`${level} ${event}`));
  assert.deepEqual(lines, ['warn volume_of_unknown_type']);
});

test('swap is a line after the header', () => {
  const header = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
  assert.equal(hasSwap(header), false);
  assert.equal(hasSwap(''), false);
  assert.equal(hasSwap(`${header}/swapfile file 1 0 -2\n`), true);
});

test('noswap is asked of the mount itself, and of the last one there', () => {
  assert.equal(isNoswap(MOUNTS, '/sotto'), true);
  for (const directory of ['/sotto2', '/', '/twice', '/none'])
    assert.equal(isNoswap(MOUNTS, directory), false);
});
