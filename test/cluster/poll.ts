import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './errors.ts';

export interface PollOptions {
  readonly deadlineMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
  readonly log?: string;
}

/**
 * Asks until the answer is there.
 * @throws ClusterError that names `what` when the deadline passes first, and the signal's reason when it aborts.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  options: PollOptions,
): Promise<T> {
  const end = performance.now() + options.deadlineMs;
  while (performance.now() < end) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(options.everyMs ?? 50);
  }
  throw new ClusterError(
    `waited ${options.deadlineMs / 1000} s for ${what}`,
    options.log === undefined ? {} : { log: options.log },
  );
}
