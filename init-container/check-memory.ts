import { readFileSync, statfsSync } from 'node:fs';
import type { Log } from '../shared/log.ts';
import { Failure } from './failure.ts';

/** `f_type` of statfs(2). */
const IN_MEMORY: readonly number[] = [0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */];
const ON_DISK: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0xf2f52010, 'f2fs'],
  [0x2fc12fc1, 'zfs'],
  [0x794c7630, 'overlay'],
  [0x6969, 'nfs'],
]);

/**
 * Makes sure that what is written to `directory` stays in memory. A sandboxed runtime may show a file system of its own,
 * so an unknown one is a warning; so is a tmpfs that the kernel may swap out.
 *
 * @throws Failure `volume_not_in_memory` when it is certain, and `volume_not_writable` when there is no such directory.
 */
export function checkMemory(directory: string, log: Log): void {
  const type = readType(directory);
  const disk = ON_DISK.get(type);
  if (disk !== undefined) {
    throw new Failure(
      'volume_not_in_memory',
      `the volume of this pod's secrets is not in memory but on ${disk}, so nothing was written; ` +
        'whoever runs Sotto has to find what changes the volume sotto-secrets',
    );
  }
  if (!IN_MEMORY.includes(type)) log('warn', 'volume_of_unknown_type', { type: `0x${type.toString(16)}` });
  else if (maySwap(directory)) log('warn', 'volume_may_be_swapped', { directory });
}

function readType(directory: string): number {
  try {
    return statfsSync(directory).type;
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Failure(
      'volume_not_writable',
      `there is no volume for this pod's secrets at ${directory} (${code}); ` +
        'whoever runs Sotto has to find what changes the volume sotto-secrets or its mount',
    );
  }
}

function maySwap(directory: string): boolean {
  return hasSwap(readProc('/proc/swaps')) && !isNoswap(readProc('/proc/self/mountinfo'), directory);
}

/** A header line, then a line for each swap area (proc(5)). */
export const hasSwap = (swaps: string): boolean => swaps.trim().split('\n').length > 1;

/** Whether the mount at exactly `directory` is `noswap`, as the kubelet makes it on Linux 6.4 and later. */
export function isNoswap(mountinfo: string, directory: string): boolean {
  const mounts = mountinfo.split('\n').filter((line) => line.split(' ')[4] === directory);
  return mounts.at(-1)?.split(/[ ,]/).includes('noswap') ?? false; // the last one covers those before it
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // hidden by the runtime; then nothing is known, and nothing claimed
  }
}
