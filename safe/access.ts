import { AppError } from '../shared/errors.ts';
import type { SecretReference } from '../shared/grammar.ts';
import type { Identity, User } from './identity.ts';
import type { Reader } from './secret.ts';

/** Whether a service account may fetch a secret with these readers. Exact: no prefix, no pattern, no default. */
export function mayRead({ namespace, serviceAccount }: Identity, readers: readonly Reader[]): boolean {
  return readers.some(
    (reader) =>
      reader.namespace === namespace &&
      (reader.serviceAccount === '*' || reader.serviceAccount === serviceAccount),
  );
}

export type Verb = 'get' | 'list' | 'create' | 'update' | 'delete';

/** What an administrator is about to do; no namespace means all of them, no name every one. */
export interface Action {
  readonly verb: Verb;
  readonly on: Partial<SecretReference>;
}

/** Asks SubjectAccessReview. Rejects when the API server did not answer. */
export type ReviewAccess = (user: User, action: Action) => Promise<boolean>;

/** Throws AppError `forbidden`, or `unavailable` when nobody could be asked. */
export type Authorize = (identity: Identity, action: Action) => Promise<void>;

export function createAuthorize(review: ReviewAccess): Authorize {
  return async ({ user, namespace, serviceAccount }, action) => {
    const isAllowed = await review(user, action).catch(() => {
      throw new AppError('unavailable', 'the API server could not be asked what you may do; try again');
    });
    if (isAllowed) return;
    const where =
      action.on.namespace === undefined ? 'in all namespaces' : `in namespace ${action.on.namespace}`;
    // Not which of the two: that would tell whether the secret exists.
    const verb = action.verb === 'create' || action.verb === 'update' ? 'create or update' : action.verb;
    const what = action.on.name === undefined ? '' : `/${action.on.name}`;
    throw new AppError(
      'forbidden',
      `service account ${namespace}/${serviceAccount} may not ${verb} safesecrets.sotto.dev${what} ${where}`,
    );
  };
}
