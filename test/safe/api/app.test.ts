import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test, type TestContext } from 'node:test';
import { createAuthorize, type Action } from '../../../safe/access.ts';
import { createApp } from '../../../safe/api/app.ts';
import { createAudit } from '../../../safe/audit.ts';
import { createIdentify, type TokenVerdict } from '../../../safe/identity.ts';
import { createMetrics } from '../../../safe/metrics.ts';
import { createLog } from '../../../shared/log.ts';
import { newSafe } from '../../support/safe.ts';
import { serve } from '../../support/serve.ts';

interface Options {
  readonly mayAdminister?: (action: Action) => boolean;
  readonly writeAudit?: (line: string) => void;
}

/**
 * Safe's API over a real store. Tokens are told apart by their text, `NAMESPACE.ACCOUNT.pod` or `NAMESPACE.ACCOUNT.none`;
 * what the API server makes of real ones is tested in `test/e2e`.
 */
async function start(t: TestContext, { mayAdminister = () => true, writeAudit }: Options = {}) {
  const { store } = await newSafe(t);
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const metrics = createMetrics(store.count);
  const app = createApp({
    store,
    identify: createIdentify((token) => Promise.resolve(reviewed(token)), Date.now),
    authorize: createAuthorize((_, action) => Promise.resolve(mayAdminister(action))),
    audit: createAudit(writeAudit ?? write, () => new Date()),
    metrics,
    log: createLog('sotto-safe', { write }),
  });
  const url = await serve(t, app);
  const call = async (
    method: string,
    path: string,
    { token = 'sotto-system.sotto-admin.none', body, headers = {} }: Call = {},
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Answer };
  };
  return { url, call, lines, metrics, store };
}

interface Call {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly error?: { code: string; message: string };
  readonly version?: number;
  readonly revision?: string;
  readonly continue?: string;
  readonly items?: { name: string }[];
  readonly secrets?: { namespace: string; name: string; data: Record<string, string> }[];
}

function reviewed(token: string): TokenVerdict {
  const [namespace = '', account = '', pod] = token.split('.');
  const extra: Record<string, string[]> =
    pod === 'pod'
      ? { 'authentication.kubernetes.io/pod-name': ['p'], 'authentication.kubernetes.io/pod-uid': ['u'] }
      : {};
  const user = { username: `system:serviceaccount:${namespace}:${account}`, uid: 'u', groups: [], extra };
  return { authenticated: token !== 'bad', audiences: ['safe.sotto.dev'], user };
}

const encoded = (text: string) => Buffer.from(text).toString('base64');
const DB = '/v1/namespaces/shop/secrets/db';
const secret = (changes: object = {}) => ({
  data: { password: encoded('hunter2') },
  readers: [{ serviceAccount: 'api' }],
  ...changes,
});

test('a secret that was put is fetched by its reader, with every byte of it', async (t) => {
  const { call } = await start(t);
  const put = await call('PUT', DB, { body: secret() });
  assert.deepEqual([put.status, put.json.version, put.headers.get('etag')], [201, 1, '"1"']);
  const fetched = await call('GET', '/v1/secrets?name=db', { token: 'shop.api.pod' });
  assert.equal(fetched.status, 200);
  assert.deepEqual(fetched.json.secrets, [
    { namespace: 'shop', name: 'db', version: 1, data: { password: encoded('hunter2') } },
  ]);
  assert.equal(fetched.headers.get('etag'), `"${fetched.json.revision ?? ''}"`);
  assert.equal(fetched.headers.get('cache-control'), 'no-store');
});

test('without names, a workload gets all that it may read, of every namespace, and nothing else', async (t) => {
  const { call } = await start(t);
  const shared = secret({ readers: [{ serviceAccount: 'api', namespace: 'shop' }] });
  await call('PUT', DB, { body: secret() });
  await call('PUT', '/v1/namespaces/shop/secrets/admin-only', { body: secret({ readers: [] }) });
  await call('PUT', '/v1/namespaces/payments/secrets/stripe', { body: shared });
  await call('PUT', '/v1/namespaces/payments/secrets/own', { body: secret() });
  const { json } = await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  assert.deepEqual(
    json.secrets?.map(({ namespace, name }) => `${namespace}/${name}`),
    ['payments/stripe', 'shop/db'],
  );
});

test('an absent and a forbidden secret are answered with the same status, headers and words', async (t) => {
  const { call } = await start(t);
  await call('PUT', '/v1/namespaces/shop/secrets/aa', { body: secret({ readers: [] }) });
  const forbidden = await call('GET', '/v1/secrets?name=aa', { token: 'shop.api.pod' });
  const absent = await call('GET', '/v1/secrets?name=bb', { token: 'shop.api.pod' });
  assert.equal(forbidden.status, 404);
  assert.equal(forbidden.text.replaceAll('aa', 'bb'), absent.text);
  const names = (headers: Headers) => [...headers.keys()].sort();
  assert.deepEqual(names(forbidden.headers), names(absent.headers));
});

test('of several secrets, one that is missing means none, and the answer says which', async (t) => {
  const { call } = await start(t);
  await call('PUT', DB, { body: secret() });
  const { status, json } = await call('GET', '/v1/secrets?name=db&name=payments/stripe', {
    token: 'shop.api.pod',
  });
  assert.equal(status, 404);
  assert.equal(
    json.error?.message,
    'secret payments/stripe does not exist, or service account shop/api is not among the readers',
  );
});

test('a token that is bound to no pod fetches nothing', async (t) => {
  const { call } = await start(t);
  await call('PUT', DB, { body: secret() });
  assert.equal((await call('GET', '/v1/secrets', { token: 'shop.api.none' })).status, 403);
});

test('an administrator never gets a value back', async (t) => {
  const { call } = await start(t);
  const answers = [
    await call('PUT', DB, { body: secret() }),
    await call('GET', DB),
    await call('GET', '/v1/namespaces/shop/secrets'),
    await call('GET', '/v1/secrets/metadata'),
    await call('DELETE', DB),
  ];
  for (const { status, text } of answers) {
    assert.ok(status < 300);
    assert.ok(!text.includes('hunter2') && !text.includes(encoded('hunter2')));
  }
});

test('every administration route asks for its own verb, and a no is a 403 before the body is looked at', async (t) => {
  const asked: Action[] = [];
  const { call } = await start(t, { mayAdminister: (action) => (asked.push(action), false) });
  const on = { namespace: 'shop', name: 'db' };
  const routes = [
    ['PUT', DB, 'create', on],
    ['GET', DB, 'get', on],
    ['DELETE', DB, 'delete', on],
    ['GET', '/v1/namespaces/shop/secrets', 'list', { namespace: 'shop' }],
    ['GET', '/v1/secrets/metadata', 'list', {}],
  ] as const;
  for (const [method, path, verb, target] of routes) {
    const { status, json } = await call(method, path, method === 'PUT' ? { body: 'not json' } : {});
    assert.deepEqual([status, json.error?.code], [403, 'forbidden']);
    assert.deepEqual(asked.pop(), { verb, on: target });
  }
});

test('replacing asks for update, and a condition that does not hold changes nothing', async (t) => {
  const verbs: string[] = [];
  const { call } = await start(t, { mayAdminister: ({ verb }) => verbs.push(verb) > 0 });
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-none-match': '*' } })).status, 201);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-none-match': '*' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '"7"' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '"1"' } })).json.version, 2);
  assert.equal((await call('DELETE', DB, { headers: { 'if-match': '"1"' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '*' } })).status, 400);
  assert.deepEqual(verbs, ['create', 'update', 'update', 'update', 'delete', 'update']);
});

test('a list comes in pages that continue where the last one ended', async (t) => {
  const { call } = await start(t);
  for (const name of ['a', 'b', 'c'])
    await call('PUT', `/v1/namespaces/shop/secrets/${name}`, { body: secret() });
  const first = await call('GET', '/v1/namespaces/shop/secrets?limit=2');
  assert.deepEqual(
    first.json.items?.map(({ name }) => name),
    ['a', 'b'],
  );
  const second = await call(
    'GET',
    `/v1/namespaces/shop/secrets?limit=2&continue=${first.json.continue ?? ''}`,
  );
  assert.deepEqual([second.json.items?.map(({ name }) => name), second.json.continue], [['c'], undefined]);
  for (const limit of ['0', '1001', '-1', 'x', '1&limit=2']) {
    assert.equal((await call('GET', `/v1/namespaces/shop/secrets?limit=${limit}`)).status, 400);
  }
});

const CANARY = 'canary-7f3a';
const tooDeep = `{"data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;

for (const [what, call, status, code] of [
  ['a body that is not JSON', { body: `{"data": ${CANARY}` }, 400, 'invalid_request'],
  ['a body that is JSON but no object', { body: `"${CANARY}"` }, 400, 'invalid_request'],
  ['a body nested 10,000 deep', { body: tooDeep }, 400, 'invalid_request'],
  [
    'a body of 9 MiB',
    { body: JSON.stringify({ data: { a: 'A'.repeat(9 * 1024 * 1024) } }) },
    413,
    'too_large',
  ],
  [
    'values of more than 1 MiB',
    { body: secret({ data: { a: encoded('x'.repeat(1024 * 1024)) } }) },
    413,
    'too_large',
  ],
  ['a field that is not known', { body: secret({ value: CANARY }) }, 400, 'invalid_request'],
  [
    'a value that is not base64',
    { body: secret({ data: { password: `${CANARY}!` } }) },
    400,
    'invalid_request',
  ],
  ['base64 without its padding', { body: secret({ data: { password: 'YWI' } }) }, 400, 'invalid_request'],
  [
    'a value that is no string',
    { body: secret({ data: { password: { [CANARY]: 1 } } }) },
    400,
    'invalid_request',
  ],
  ['no key at all', { body: secret({ data: {} }) }, 400, 'invalid_request'],
  ['a key that climbs', { body: secret({ data: { '..': encoded('x') } }) }, 400, 'invalid_request'],
  ['a key with a slash', { body: secret({ data: { 'a/b': encoded('x') } }) }, 400, 'invalid_request'],
  ['a prototype as a key', { body: `{"data":{"__proto__":"${encoded('x')}"}}` }, 400, 'invalid_request'],
  [
    'a reader that is a pattern',
    { body: secret({ readers: [{ serviceAccount: 'api-*' }] }) },
    400,
    'invalid_request',
  ],
  [
    'a reader with a field that is not known',
    { body: secret({ readers: [{ serviceAccount: 'a', pod: 'b' }] }) },
    400,
    'invalid_request',
  ],
  [
    'another content type',
    { body: secret(), headers: { 'content-type': 'text/plain' } },
    415,
    'unsupported_media_type',
  ],
  [
    'a compressed body',
    { body: secret(), headers: { 'content-encoding': 'gzip' } },
    415,
    'unsupported_media_type',
  ],
  ['a token that is refused', { body: secret(), token: 'bad' }, 401, 'unauthenticated'],
] as const) {
  test(`PUT with ${what} is a ${status} that names the fault and stores nothing`, async (t) => {
    const { call: send, store } = await start(t);
    const answer = await send('PUT', DB, call);
    assert.deepEqual([answer.status, answer.json.error?.code], [status, code]);
    assert.ok(!answer.text.includes(CANARY), answer.text);
    assert.equal(store.count(), 0);
  });
}

for (const path of [
  '/v1/namespaces/Shop/secrets/db',
  '/v1/namespaces/shop/secrets/DB',
  '/v1/namespaces/shop/secrets/..',
  '/v1/namespaces/shop/secrets/%2e%2e',
  '/v1/namespaces/shop/secrets/a%2fb',
  '/v1//namespaces/shop/secrets/db',
  `/v1/namespaces/shop/secrets/${'a'.repeat(254)}`,
  `/v1/namespaces/${'a'.repeat(64)}/secrets/db`,
  '/v1/namespaces/shop.x/secrets/db',
  '/v1/secrets?names=db',
  '/v1/secrets?name=DB',
  '/v1/secrets?name=a/b/c',
  '/v1/namespaces/shop/secrets?name=db',
]) {
  test(`GET ${path.slice(0, 60)} is outside the grammar and a 400`, async (t) => {
    const { url } = await start(t);
    assert.equal(await rawStatus(url, 'GET', path), 400);
  });
}

test('an unknown path is a 404, an unknown method a 405, and neither is answered without a token', async (t) => {
  const { call, url } = await start(t);
  assert.equal((await call('GET', '/v1/nothing')).json.error?.code, 'not_found');
  assert.equal((await call('POST', DB, { body: {} })).json.error?.code, 'method_not_allowed');
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['GET', '/v1/secrets'],
    ['PUT', DB],
    ['POST', DB],
    ['DELETE', DB],
  ] as const) {
    assert.equal((await fetch(url + path, { method })).status, 401);
  }
});

test('a request with two Authorization headers is refused, whichever of them is good', async (t) => {
  const { url } = await start(t);
  const authorization = ['Bearer shop.api.pod', 'Bearer bad'];
  assert.equal(await rawStatus(url, 'GET', '/v1/secrets', { authorization }), 401);
});

test('every answer of a value and every refusal has its line in the audit log, with who and what and never a value', async (t) => {
  const { call, lines } = await start(t, { mayAdminister: ({ verb }) => verb !== 'delete' });
  await call('PUT', DB, { body: secret() });
  await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  await call('GET', '/v1/secrets?name=other', { token: 'shop.api.pod' });
  await call('DELETE', DB);
  const audited = lines
    .map((line) => JSON.parse(line) as { audit?: string; outcome: string; who: { pod?: object } })
    .filter(({ audit }) => audit);
  assert.deepEqual(
    audited.map(({ audit, outcome }) => [audit, outcome]),
    [
      ['create', 'allowed'],
      ['fetch', 'allowed'],
      ['fetch', 'not_found'],
      ['delete', 'forbidden'],
    ],
  );
  assert.deepEqual(audited[1]?.who.pod, { name: 'p', uid: 'u' });
  assert.ok(!lines.join('').includes('hunter2') && !lines.join('').includes(encoded('hunter2')));
});

test('what cannot be written to the audit log is not handed out', async (t) => {
  let isFull = false;
  const { call } = await start(t, {
    writeAudit: () => {
      if (isFull) throw new Error('no space left on device');
    },
  });
  await call('PUT', DB, { body: secret() });
  isFull = true;
  const answer = await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  assert.deepEqual([answer.status, answer.json.error?.code], [503, 'unavailable']);
  assert.ok(!answer.text.includes(encoded('hunter2')));
});

test('metrics count, and name nothing', async (t) => {
  const { call, metrics } = await start(t);
  await call('PUT', DB, { body: secret() });
  await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  const text = await metrics.text();
  assert.match(text, /^sotto_safe_secrets 1$/m);
  assert.match(text, /^sotto_safe_secrets_served_total 1$/m);
  assert.match(text, /^sotto_safe_request_duration_seconds_count\{method="PUT",status="201"\} 1$/m);
  for (const name of ['shop', 'db', 'api', 'hunter2']) assert.ok(!text.includes(`"${name}"`));
});

/** The status of a request that `fetch` would tidy up before sending it. */
function rawStatus(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string | string[]> = { authorization: 'Bearer shop.api.pod' },
) {
  const { hostname, port } = new URL(url);
  return new Promise<number | undefined>((resolve, reject) => {
    request({ hostname, port, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
