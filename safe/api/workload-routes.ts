import type Router from '@koa/router';
import { createHash } from 'node:crypto';
import type { WorkloadSecrets } from '../../shared/api.ts';
import { AppError } from '../../shared/errors.ts';
import { parseSecretReference, type SecretReference } from '../../shared/grammar.ts';
import { mayRead } from '../access.ts';
import type { Identity } from '../identity.ts';
import { compareCodeUnits, referenceKey, sizeOf, type SecretVersion } from '../secret.ts';
import type { Store } from '../store.ts';
import type { RequestState, SafeDeps } from './deps.ts';
import { audited, describeRequest } from './audited.ts';
import { parseQuery } from './query.ts';

const MAX_NAMES = 100;

/**
 * What `sotto-init` takes is 8 MiB of JSON; in base64 this is 6.7 MiB. It also bounds what one request can make Safe hold.
 */
const MAX_ANSWER_BYTES = 5 * 1024 * 1024;

/** `GET /v1/secrets?name=db&name=payments/stripe`: what the asking pod's service account may read. */
export function addWorkloadRoutes(router: Router<RequestState>, { store, audit, metrics }: SafeDeps): void {
  router.get('/v1/secrets', async (ctx) => {
    const names = parseQuery(ctx.querystring, ['name']).get('name') ?? [];
    const asked = parseNames(names, ctx.state.identity?.namespace ?? '');
    const record = { ...describeRequest(ctx, 'fetch'), on: asked };
    await audited(audit, record, async () => {
      const secrets = select(store, requireWorkload(ctx.state.identity), asked);
      checkAnswerSize(secrets);
      const answer = encode(secrets);
      audit({ ...record, on: secrets.map(place), outcome: 'allowed' });
      metrics.countServed(secrets.length);
      ctx.set('etag', `"${answer.revision}"`);
      ctx.body = answer;
      return Promise.resolve();
    });
  });
}

function checkAnswerSize(secrets: readonly SecretVersion[]): void {
  const bytes = secrets.reduce((sum, { data }) => sum + sizeOf(data), 0);
  if (bytes <= MAX_ANSWER_BYTES) return;
  throw new AppError(
    'too_large',
    `the secrets hold ${bytes} bytes together; one answer may hold ${MAX_ANSWER_BYTES}, so name fewer`,
  );
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

/**
 * All that was asked for, or all of the pod's own namespace that it may read when nothing was named: what another namespace
 * shares has to be asked for by name, or anybody could put files into every pod of somebody else's.
 *
 * @throws AppError `not_found` with a sentence when something is absent or forbidden. The two are never told apart.
 */
function select(
  store: Store,
  identity: Identity,
  asked: readonly SecretReference[],
): readonly SecretVersion[] {
  const who = `${identity.namespace}/${identity.serviceAccount}`;
  if (asked.length === 0) {
    const secrets = store.inNamespace(identity.namespace).filter(({ readers }) => mayRead(identity, readers));
    if (secrets.length > 0) return secrets;
    throw new AppError(
      'not_found',
      `service account ${who} is not among the readers of any secret in namespace ${identity.namespace}`,
    );
  }
  const readable = new Map<string, SecretVersion>();
  const absent = new Set<string>();
  for (const reference of asked) {
    const secret = store.get(reference);
    if (secret !== undefined && mayRead(identity, secret.readers)) readable.set(referenceKey(secret), secret);
    else absent.add(referenceKey(reference));
  }
  if (absent.size === 0) return [...readable.values()];
  const [noun, verb] = absent.size === 1 ? ['secret', 'does'] : ['secrets', 'do'];
  throw new AppError(
    'not_found',
    `${noun} ${[...absent].join(', ')} ${verb} not exist, or service account ${who} is not among the readers`,
  );
}

/** The revision names the versions served, so it changes exactly when the answer does. */
function encode(secrets: readonly SecretVersion[]): WorkloadSecrets {
  const sorted = [...secrets].sort((a, b) => compareCodeUnits(referenceKey(a), referenceKey(b)));
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
