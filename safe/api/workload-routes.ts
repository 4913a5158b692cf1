import type Router from '@koa/router';
import { createHash } from 'node:crypto';
import type { WorkloadSecrets } from '../../shared/api.ts';
import { AppError } from '../../shared/errors.ts';
import { parseSecretReference, type SecretReference } from '../../shared/grammar.ts';
import { mayRead } from '../access.ts';
import type { Identity } from '../identity.ts';
import { referenceKey, type SecretVersion } from '../secret.ts';
import type { Store } from '../store.ts';
import type { RequestState, SafeDeps } from './app.ts';
import { parseQuery } from './query.ts';

const MAX_NAMES = 100;

/** `GET /v1/secrets?name=db&name=payments/stripe`: what the asking pod's service account may read. */
export function addWorkloadRoutes(router: Router<RequestState>, { store, audit, metrics }: SafeDeps): void {
  router.get('/v1/secrets', (ctx) => {
    const identity = requireWorkload(ctx.state.identity);
    const names = parseQuery(ctx.querystring, ['name']).get('name') ?? [];
    const asked = parseNames(names, identity.namespace);
    const source = {
      identity,
      sourceAddress: ctx.req.socket.remoteAddress ?? '',
      requestId: ctx.state.requestId,
    };
    const { secrets, missing } = select(store, identity, asked);
    if (missing !== undefined) {
      audit({ ...source, verb: 'fetch', on: asked, outcome: 'not_found' });
      throw new AppError('not_found', missing);
    }
    const answer = encode(secrets);
    audit({ ...source, verb: 'fetch', on: secrets.map(place), outcome: 'allowed' });
    metrics.countServed(secrets.length);
    ctx.set('etag', `"${answer.revision}"`);
    ctx.body = answer;
  });
}

/** @throws AppError `forbidden` for a token that is bound to no pod: whoever holds it is no workload. */
function requireWorkload(identity: Identity | undefined): Identity {
  if (identity?.pod !== undefined) return identity;
  throw new AppError('forbidden', 'only a pod may fetch secrets; the token is bound to none');
}

function parseNames(names: readonly string[], namespace: string): SecretReference[] {
  if (names.length > MAX_NAMES) throw new AppError('invalid_request', `at most ${MAX_NAMES} names`);
  return names.map((name) => {
    const reference = parseSecretReference(name, namespace);
    if (reference !== undefined) return reference;
    throw new AppError('invalid_request', 'name must be a secret or namespace/secret');
  });
}

interface Selection {
  readonly secrets: readonly SecretVersion[];
  /** A sentence when something asked for is absent or forbidden. The two are never told apart. */
  readonly missing?: string;
}

function select(store: Store, identity: Identity, asked: readonly SecretReference[]): Selection {
  const who = `${identity.namespace}/${identity.serviceAccount}`;
  if (asked.length === 0) {
    const secrets = store.sharedWith(identity.namespace).filter(({ readers }) => mayRead(identity, readers));
    return secrets.length > 0
      ? { secrets }
      : { secrets, missing: `service account ${who} is not among the readers of any secret` };
  }
  const byKey = new Map(asked.map((reference) => [referenceKey(reference), store.get(reference)]));
  const found = [...byKey.values()].filter(
    (secret) => secret !== undefined && mayRead(identity, secret.readers),
  );
  const readable = new Map(
    found.flatMap((secret) => (secret === undefined ? [] : [[referenceKey(secret), secret]])),
  );
  const absent = [...byKey.keys()].filter((key) => !readable.has(key));
  if (absent.length === 0) return { secrets: [...readable.values()] };
  const [noun, verb] = absent.length === 1 ? ['secret', 'does'] : ['secrets', 'do'];
  return {
    secrets: [],
    missing: `${noun} ${absent.join(', ')} ${verb} not exist, or service account ${who} is not among the readers`,
  };
}

/** The revision names the versions served, so it changes exactly when the answer does. */
function encode(secrets: readonly SecretVersion[]): WorkloadSecrets {
  const sorted = [...secrets].sort((a, b) => (referenceKey(a) < referenceKey(b) ? -1 : 1));
  const revision = createHash('sha256')
    .update(JSON.stringify(sorted.map(place)))
    .digest('base64url')
    .slice(0, 22);
  return {
    revision,
    secrets: sorted.map(({ namespace, name, version, data }) => ({
      namespace,
      name,
      version,
      data: Object.fromEntries([...data].map(([key, value]) => [key, value.reveal().toString('base64')])),
    })),
  };
}

const place = ({ namespace, name, version }: SecretVersion) => ({ namespace, name, version });
