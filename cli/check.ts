import type { Failure } from './failure.ts';

/** What `status` looks at. The words are API: monitoring reads them from `-o json`. */
export type CheckName =
  | 'kubernetes'
  | 'safe_pod'
  | 'safe_certificate'
  | 'administration'
  | 'volume'
  | 'webhook'
  | 'webhook_trust'
  | 'injection';

/** `unknown`: a right is missing to look. */
type CheckState = 'ok' | 'failed' | 'unknown';

export interface Check {
  readonly check: CheckName;
  /** The object, where there may be several. */
  readonly object?: string;
  readonly state: CheckState;
  readonly detail: string;
}

export const buildCheck = (check: CheckName, isGood: boolean, detail: string): Check => ({
  check,
  state: isGood ? 'ok' : 'failed',
  detail,
});

/** A check that could not be carried out: for lack of a right it tells nothing, otherwise the trouble is its result. */
export const buildFailedCheck = (check: CheckName, { kind, message }: Failure): Check => ({
  check,
  state: kind === 'forbidden' ? 'unknown' : 'failed',
  detail: message,
});
