import { createHash } from 'node:crypto';
import { AppError } from '../shared/errors.ts';
import { AUDIENCE } from '../shared/names.ts';

/** Who is behind a token, as the API server says it. Nothing here comes from the request itself. */
export interface Identity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of the pod that the token is bound to; a token bound to no pod is no workload's. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined;
  readonly node: string | undefined;
  /** The id that the API server's audit log recorded when the token was issued. */
  readonly credentialId: string | undefined;
  /** What SubjectAccessReview is asked with. */
  readonly user: User;
}

/** A user as the Kubernetes API describes one. */
export interface User {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What TokenReview said. `audiences` is empty when the authenticator knows nothing of audiences. */
export interface TokenVerdict {
  readonly authenticated: boolean;
  readonly audiences: readonly string[];
  readonly user: User;
}

/** Asks TokenReview about `token` for one audience. Rejects when the API server did not answer. */
export type ReviewToken = (token: string, audience: string) => Promise<TokenVerdict>;

/** The identity behind a bearer token. Throws AppError `unauthenticated` or, when nobody could be asked, `unavailable`. */
export type Identify = (token: string) => Promise<Identity>;

const CACHE_MS = 10_000;
const MAX_CACHED = 10_000;
const MAX_TOKEN_LENGTH = 8_192;

/**
 * TokenReview, remembered for at most 10 s and never more than once in flight for the same token. The memory is keyed by a
 * hash: it holds no token. A refusal is remembered as well, so that a bad token cannot keep the API server busy.
 */
export function createIdentify(review: ReviewToken, nowMs: () => number): Identify {
  const cache = new Map<string, { readonly at: number; readonly identity: Promise<Identity> }>();

  return (token) => {
    if (token.length > MAX_TOKEN_LENGTH) return Promise.reject(refusal('the token is too long'));
    const key = createHash('sha256').update(token).digest('base64');
    const known = cache.get(key);
    if (known !== undefined && nowMs() - known.at < CACHE_MS) return known.identity;
    const identity = ask(review, token);
    remember(key, identity);
    return identity;
  };

  function remember(key: string, identity: Promise<Identity>): void {
    cache.delete(key);
    const oldest = cache.keys().next();
    if (cache.size >= MAX_CACHED && oldest.done !== true) cache.delete(oldest.value);
    cache.set(key, { at: nowMs(), identity });
    identity.catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'unavailable') cache.delete(key);
    });
  }
}

async function ask(review: ReviewToken, token: string): Promise<Identity> {
  const verdict = await review(token, AUDIENCE).catch(() => {
    throw new AppError('unavailable', 'the API server could not be asked who you are; try again');
  });
  if (!verdict.authenticated) throw refusal('the token is not valid, or not for this audience');
  // An authenticator that knows nothing of audiences leaves this list empty and would let any token in.
  if (!verdict.audiences.includes(AUDIENCE)) throw refusal(`the token is not for the audience ${AUDIENCE}`);
  return parseIdentity(verdict);
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

function parseIdentity({ user }: TokenVerdict): Identity {
  const [, namespace, serviceAccount] = SERVICE_ACCOUNT.exec(user.username) ?? [];
  if (namespace === undefined || serviceAccount === undefined) {
    throw refusal('only service accounts are known here');
  }
  const extra = (key: string) => user.extra[`authentication.kubernetes.io/${key}`]?.[0];
  const name = extra('pod-name');
  const uid = extra('pod-uid');
  return {
    namespace,
    serviceAccount,
    pod: name === undefined || uid === undefined ? undefined : { name, uid },
    node: extra('node-name'),
    credentialId: extra('credential-id'),
    user,
  };
}

const refusal = (reason: string) => new AppError('unauthenticated', reason);

/**
 * The token of an `Authorization: Bearer` header.
 *
 * @throws AppError `unauthenticated` when there is none, or more than one: Node keeps the first of two headers, a proxy may
 * have looked at the other.
 */
export function bearerToken(rawHeaders: readonly string[]): string {
  const values = rawHeaders.filter(
    (_, index) => rawHeaders[index - 1]?.toLowerCase() === 'authorization' && index % 2 === 1,
  );
  const token =
    values.length === 1 ? /^Bearer ([-._~+/A-Za-z0-9]+=*)$/.exec(values[0] ?? '')?.[1] : undefined;
  if (token === undefined) throw refusal('exactly one "Authorization: Bearer" header is needed');
  return token;
}
