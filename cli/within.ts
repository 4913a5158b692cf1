import { setTimeout } from 'node:timers/promises';

/**
 * What `work` resolves to, or a `TimeoutError` after `timeoutMs`; 0 waits for ever. The work itself goes on: it is for
 * the end of the process, or for `abandon`, to stop it.
 */
export async function within<T>(
  timeoutMs: number,
  work: Promise<T>,
  abandon?: (late: T) => void,
): Promise<T> {
  if (timeoutMs === 0) return work;
  const stop = new AbortController();
  const timeout = setTimeout(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    if (abandon !== undefined) work.then(abandon, () => undefined);
    throw new DOMException('the operation timed out', 'TimeoutError');
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    stop.abort();
    timeout.catch(() => undefined); // it was stopped, or it won
  }
}
