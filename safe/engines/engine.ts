/**
 * What the memory above asks of a durable store. An engine sees ids, versions and sealed bytes and knows nothing of
 * secrets; whoever writes another one reads this file and `test/safe/engines/sqlite.test.ts`, and nothing else.
 */
export interface Engine {
  /** The head and every record, consistent with each other when nothing is committed meanwhile. */
  load(): Promise<StoredState>;

  /**
   * Makes `change` durable, all of it or nothing: when this resolves, it survives the loss of power.
   *
   * @throws EngineError `conflict` when the store is not at `expectedRevision`, `full` when there is no space, `gone` when
   * it can do nothing any more, `failed` otherwise. After any of them the store is as it was, or (after `failed` and
   * `gone`) has the whole change; then the next commit is a conflict, and everything has to be loaded again.
   */
  commit(change: Change, expectedRevision: number): Promise<void>;

  /** Calling it again is harmless. */
  close(): Promise<void>;
}

/** One sealed version of one secret. `seq` counts every record ever written to the store and is its key. */
export interface SealedRecord {
  readonly seq: number;
  /** 32 bytes; the same for all versions of one secret. */
  readonly id: Buffer;
  readonly version: number;
  readonly sealed: Buffer;
}

export interface StoredState {
  /** Undefined when the store is new. */
  readonly head: StoredHead | undefined;
  /** In order of `seq`, a few megabytes at a time, so that loading costs little more memory than what is kept. */
  readonly pages: AsyncIterable<readonly SealedRecord[]>;
}

/** `revision` counts commits, from 1. */
export interface StoredHead {
  readonly revision: number;
  readonly sealed: Buffer;
}

export interface Change {
  readonly put: readonly SealedRecord[];
  /** Sequence numbers of records to forget. */
  readonly remove: readonly number[];
  /** Replaces the head. */
  readonly head: Buffer;
}

export type EngineErrorCode = 'conflict' | 'full' | 'in_use' | 'not_a_store' | 'newer' | 'gone' | 'failed';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
