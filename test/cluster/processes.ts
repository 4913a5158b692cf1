import { readFileSync } from 'node:fs';
import * as v from 'valibot';

/** A process for all time: pids are used again, a pid with its start time (clock ticks since boot) is not. */
export const processIdentity = v.object({ pid: v.number(), startTime: v.number() });
export type ProcessIdentity = v.InferOutput<typeof processIdentity>;

/**
 * Start time from `/proc/PID/stat` (proc(5), field 22), undefined for a zombie, which only waits to be reaped.
 * The second field is the program's name in parentheses and may itself hold spaces and parentheses.
 */
export function parseStartTime(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = Number(fields[19]);
  if (fields[0] === 'Z' || fields[0] === 'X' || !Number.isSafeInteger(startTime)) return undefined;
  return startTime;
}

export function readIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const startTime = parseStartTime(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return startTime === undefined ? undefined : { pid, startTime };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return readIdentity(identity.pid)?.startTime === identity.startTime;
}

/** Signals the process, unless it has ended; a stranger that got the same pid is left alone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** `ESRCH` is what reading `/proc/PID/stat` and `kill` answer when the process ends in between. */
export function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'ENODEV';
}
