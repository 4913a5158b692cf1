import type Router from '@koa/router';
import type { Context } from 'koa';
import { parsePutSecretRequest, type PutSecretRequest, type SecretList } from '../../shared/api.ts';
import { AppError } from '../../shared/errors.ts';
import { isDnsLabel, isDnsSubdomain, type SecretReference } from '../../shared/grammar.ts';
import { jsonBody } from '../../shared/http.ts';
import { SecretValue } from '../../shared/secret-value.ts';
import type { Action } from '../access.ts';
import type { Identity } from '../identity.ts';
import {
  checkSize,
  compareCodeUnits,
  describeSecret,
  referenceKey,
  resolveReaders,
  type SecretVersion,
} from '../secret.ts';
import type { Precondition } from '../store.ts';
import type { RequestState, SafeDeps } from './deps.ts';
import type { AuditTarget } from '../audit.ts';
import { audited, describeRequest, type RouteContext } from './audited.ts';
import { parseQuery, single } from './query.ts';

/** 1 MiB of values is 1.34 MiB of base64; the rest is for keys, readers and JSON. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const DEFAULT_PAGE = 500;
const MAX_PAGE = 1000;

const SECRET_PATH = '/v1/namespaces/:namespace/secrets/:name';

/** What administrators do. None of these routes ever answers with a value. */
export function addAdminRoutes(router: Router<RequestState>, deps: SafeDeps): void {
  const { store } = deps;

  router.put(SECRET_PATH, async (ctx) => {
    const reference = parseReference(ctx.params);
    const isNew = store.get(reference) === undefined;
    const action = { verb: isNew ? 'create' : 'update', on: reference } as const;
    await perform(ctx, deps, action, async (onDecided) => {
      await jsonBody(MAX_BODY_BYTES)(ctx, () => Promise.resolve());
      const { data, readers } = parsePutSecretRequest(ctx.request.body);
      const next = {
        data: decodeData(data),
        readers: readers && resolveReaders(readers, reference.namespace),
      };
      checkSize(next.data);
      const secret = await store.put(reference, next, { ...parsePrecondition(ctx), isNew, onDecided });
      ctx.status = isNew ? 201 : 200;
      answer(ctx, secret);
    });
  });

  router.get(SECRET_PATH, async (ctx) => {
    const reference = parseReference(ctx.params);
    await perform(ctx, deps, { verb: 'get', on: reference }, (allow) => {
      const secret = store.get(reference);
      if (secret === undefined)
        throw new AppError('not_found', `secret ${referenceKey(reference)} does not exist`);
      allow(secret);
      answer(ctx, secret);
    });
  });

  router.delete(SECRET_PATH, async (ctx) => {
    const reference = parseReference(ctx.params);
    await perform(ctx, deps, { verb: 'delete', on: reference }, async (onDecided) => {
      answer(ctx, await store.delete(reference, { ...parsePrecondition(ctx), onDecided }));
    });
  });

  router.get('/v1/namespaces/:namespace/secrets', async (ctx) => {
    await answerPage(ctx, deps, parseNamespace(ctx.params['namespace']));
  });

  router.get('/v1/secrets/metadata', async (ctx) => {
    await answerPage(ctx, deps, undefined);
  });
}

/** Writes down that the action is allowed, on the very version that it is about. */
type Allow = (on: AuditTarget) => void;

/**
 * Asks whether the caller may do this, and does it. What is decided is in the audit log before it is done or answered, and
 * so is what was refused or failed.
 */
async function perform(
  ctx: RouteContext,
  { authorize, audit }: SafeDeps,
  action: Action,
  act: (allow: Allow) => Promise<void> | void,
): Promise<void> {
  const record = { ...describeRequest(ctx, action.verb), on: [action.on] };
  await audited(audit, record, async () => {
    await authorize(requireIdentity(ctx.state.identity), action);
    await act((on) => audit({ ...record, on: [place(on)], outcome: 'allowed' }));
  });
}

function requireIdentity(identity: Identity | undefined): Identity {
  if (identity === undefined) throw new AppError('unauthenticated', 'no identity');
  return identity;
}

async function answerPage(ctx: RouteContext, deps: SafeDeps, namespace: string | undefined): Promise<void> {
  const query = parseQuery(ctx.querystring, ['limit', 'continue']);
  const limit = parseLimit(single(query, 'limit'));
  const after = parseContinue(single(query, 'continue'));
  const on = namespace === undefined ? {} : { namespace };
  await perform(ctx, deps, { verb: 'list', on }, (allow) => {
    const { items, isLast } = deps.store.list(namespace, after, limit);
    allow(on);
    const last = items.at(-1);
    ctx.body = {
      items: items.map(describeSecret),
      ...(isLast || last === undefined
        ? {}
        : { continue: Buffer.from(referenceKey(last)).toString('base64url') }),
    } satisfies SecretList;
  });
}

function answer(ctx: Context, secret: SecretVersion): void {
  ctx.set('etag', `"${secret.version}"`);
  ctx.body = describeSecret(secret);
}

function parseNamespace(namespace: string | undefined): string {
  if (namespace !== undefined && isDnsLabel(namespace)) return namespace;
  throw new AppError('invalid_request', 'the namespace in the path must be a DNS-1123 label');
}

function parseReference(params: Readonly<Record<string, string | undefined>>): SecretReference {
  const namespace = parseNamespace(params['namespace']);
  const name = params['name'];
  if (name !== undefined && isDnsSubdomain(name)) return { namespace, name };
  throw new AppError(
    'invalid_request',
    'the name in the path must be a DNS-1123 subdomain of at most 253 characters',
  );
}

/** `If-Match: "<version>"` or `If-None-Match: *` (RFC 9110 §13.1); both at once make no sense and are refused. */
function parsePrecondition(ctx: Context): { precondition?: Precondition } {
  const ifMatch = ctx.get('if-match');
  const ifNoneMatch = ctx.get('if-none-match');
  if (ifMatch === '' && ifNoneMatch === '') return {};
  if (ifMatch === '' && ifNoneMatch === '*') return { precondition: { kind: 'absent' } };
  const version = /^"([1-9][0-9]{0,14})"$/.exec(ifMatch)?.[1];
  if (version !== undefined && ifNoneMatch === '')
    return { precondition: { kind: 'version', version: Number(version) } };
  throw new AppError('invalid_request', 'a condition is If-Match: "<version>" or If-None-Match: *');
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE;
  const limit = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_PAGE) throw new AppError('invalid_request', `limit must be 1 to ${MAX_PAGE}`);
  return limit;
}

/** The reference after which a page starts. It is not trusted: whatever it holds, it only skips. */
const parseContinue = (text = ''): string => Buffer.from(text, 'base64url').toString();

/** Values become SecretValue here, in the order of their keys, and are nothing else from here on. */
function decodeData(data: PutSecretRequest['data']): Map<string, SecretValue> {
  const sorted = Object.entries(data).sort(([a], [b]) => compareCodeUnits(a, b));
  return new Map(sorted.map(([key, text]) => [key, new SecretValue(Buffer.from(text, 'base64'))]));
}

const place = ({ namespace, name, version }: AuditTarget) => ({ namespace, name, version });
