/** Why a store is not opened. The message is a clause for whoever operates Safe; it holds no name and no value. */
export type StoreErrorCode =
  | 'wrong_root_key'
  | 'root_key_missing'
  | 'store_missing'
  | 'other_store'
  | 'newer_format'
  | 'damaged'
  | 'in_use'
  | 'unreadable';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
