import { spawn } from 'node:child_process';
import { ClusterError } from './errors.ts';

/** Gives the lock back. */
export type Release = () => void;

/**
 * `flock` of a file or directory that exists. A child holds it until the pipe from us closes, so the kernel gives it
 * back whatever becomes of this process. `-ef` finds out that the path was removed, or made anew, while we waited.
 */
const HOLD = 'exec 9<"$0" && flock -w "$1" 9 && [ "$0" -ef /dev/fd/9 ] && echo locked && exec cat >/dev/null';

/** @returns undefined when somebody else has kept the lock for `waitSeconds`. */
export function tryLock(path: string, waitSeconds: number): Promise<Release | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Release | undefined>();
  // Detached: Ctrl-C in the terminal must not take the lock away while we still clean up.
  const holder = spawn('/bin/sh', ['-c', HOLD, path, String(waitSeconds)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdout.once('data', () => resolve(() => holder.stdin.end()));
  holder.once('close', () => resolve(undefined));
  holder.once('error', (error) => reject(new ClusterError('flock cannot be run', { cause: error })));
  return promise;
}
