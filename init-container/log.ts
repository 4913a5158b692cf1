import { writeSync } from 'node:fs';
import type { Log } from '../shared/log.ts';

/**
 * Lines of the same shape as every other program's, without its logging library: importing that one would cost each pod
 * more time than all the rest of this program.
 */
export function createLog(write: (line: string) => void, now: () => Date): Log {
  return (level, event, fields = {}) => {
    write(
      `${JSON.stringify({ level, time: now().toISOString(), program: 'sotto-init', ...fields, event })}\n`,
    );
  };
}

/** Writes to standard output at once, without the stream that Node would load for it. */
export function writeLine(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // Nobody reads the log, or not fast enough. That is no reason to leave a pod without its secrets.
  }
}
