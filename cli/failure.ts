import type { FailureKind } from './exit-codes.ts';

export interface FailureOptions extends ErrorOptions {
  /** What to do about it, where that is more than belongs into a line of `status`. */
  readonly advice?: string;
}

/** Why a command ends without success. `message` is a clause for the person at the terminal, and never holds a value. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly kind: FailureKind;
  readonly advice: string | undefined;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.advice = options.advice;
  }
}

/** Undefined instead of the Failure that something does not exist. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not_found') return undefined;
    throw error;
  }
}
