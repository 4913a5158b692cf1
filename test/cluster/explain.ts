import { existsSync, readFileSync } from 'node:fs';
import { ClusterError, Interrupted } from './errors.ts';

const TAIL_LINES = 15;
const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** What a person reads when it went wrong: the end of the log that says more, what happened, what to do. */
export function explainFailure(error: unknown): string {
  if (error instanceof Interrupted) return 'stopped; nothing is left of the cluster';
  if (!(error instanceof ClusterError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { log } = error;
  const tail = log === undefined || !existsSync(log) ? [] : [`the end of ${log}:`, ...readTail(log)];
  return [...tail, error.message, ...(error.advice === undefined ? [] : [error.advice])].join('\n');
}

/** As shells have it: 128 and the number of the signal. */
export function chooseExitCode(error: unknown): number {
  return error instanceof Interrupted ? 128 + (SIGNAL_NUMBERS[error.signal] ?? 0) : 1;
}

function readTail(file: string): string[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(-TAIL_LINES).map((line) => `  ${line.slice(0, 300)}`);
}
