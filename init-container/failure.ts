/**
 * The exit code of every way to end without the files. Codes are API: never change or reuse one. They stay clear of
 * those that Node itself ends with (1 to 14) and of 128 + signal; 42 is kept for restarts on change.
 */
export const EXIT_CODES = {
  internal: 1,
  configuration_invalid: 20,
  configuration_newer: 21,
  environment_refused: 22,
  safe_unreachable: 30,
  dns_failed: 31,
  certificate_not_trusted: 32,
  safe_unavailable: 33,
  answer_invalid: 34,
  token_unreadable: 40,
  token_refused: 41,
  secret_missing: 43,
  request_refused: 44,
  secret_not_representable: 45,
  volume_full: 50,
  volume_not_writable: 51,
  volume_not_in_memory: 52,
  stopped: 143,
} as const satisfies Record<string, number>;

export type Reason = keyof typeof EXIT_CODES;

/**
 * Why there are no files. `message` is one line for the person who runs `kubectl describe pod`: what is wrong, then who
 * has to do what. It holds names, never a value, a token or a parser's own text.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly reason: Reason;
  /** Whether the same request may succeed a moment later. */
  readonly mayPass: boolean;

  constructor(reason: Reason, message: string, { mayPass = false } = {}) {
    super(message);
    this.reason = reason;
    this.mayPass = mayPass;
  }
}

/** What to say of an error that nobody foresaw: its class and place. Its own message may quote what was received. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { name, stack = '' } = error instanceof Error ? error : new Error('not an error');
  const frame = stack.split('\n').find((line) => line.trimStart().startsWith('at '));
  const place = frame?.trim().slice(0, 200) ?? 'at an unknown place';
  return new Failure(
    'internal',
    `bug in sotto-init: ${name} ${place}; please report it to the Sotto project`,
  );
}
