/** A failure that a person can act on: what happened, one sentence what to do, and the log that says more. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly advice: string | undefined;
  readonly log: string | undefined;

  constructor(message: string, more: { advice?: string; log?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.advice = more.advice;
    this.log = more.log;
  }
}

/** The person stopped it (Ctrl-C, SIGTERM, SIGHUP). */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}
