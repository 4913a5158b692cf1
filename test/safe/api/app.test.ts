import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../../safe/access.ts';
import { DB, encoded, secret, startApi } from './api.ts';

test('a secret that was put is fetched by its reader, with every byte of it', async (t) => {
  const { call } = await startApi(t);
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

test('without names, a workload gets all that it may read of its own namespace, and nothing that others share', async (t) => {
  const { call } = await startApi(t);
  const shared = secret({ readers: [{ serviceAccount: '*', namespace: 'shop' }] });
  await call('PUT', DB, { body: secret() });
  await call('PUT', '/v1/namespaces/shop/secrets/admin-only', { body: secret({ readers: [] }) });
  await call('PUT', '/v1/namespaces/evil/secrets/planted', { body: shared });
  const fetched = async (query: string) =>
    (await call('GET', `/v1/secrets${query}`, { token: 'shop.api.pod' })).json.secrets?.map(
      ({ namespace, name }) => `${namespace}/${name}`,
    );
  assert.deepEqual(await fetched(''), ['shop/db']);
  assert.deepEqual(await fetched('?name=db&name=evil/planted'), ['evil/planted', 'shop/db']);
});

test('an answer that the init container would not take is refused instead of being built', async (t) => {
  const { call } = await startApi(t);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const body = secret({ data: { a: encoded('x'.repeat(1000 * 1024)) } });
    assert.equal((await call('PUT', `/v1/namespaces/shop/secrets/${name}`, { body })).status, 201);
  }
  const answer = await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  assert.deepEqual([answer.status, answer.json.error?.code], [413, 'too_large']);
  assert.equal((await call('GET', '/v1/secrets?name=a&name=b', { token: 'shop.api.pod' })).status, 200);
});

test('every key of the grammar comes back, those that JavaScript has a meaning for included', async (t) => {
  const { call } = await startApi(t);
  const data = {
    constructor: encoded('a'),
    prototype: encoded('b'),
    toString: encoded('c'),
    hasOwnProperty: encoded('d'),
  };
  assert.equal((await call('PUT', DB, { body: secret({ data }) })).status, 201);
  const fetched = await call('GET', '/v1/secrets?name=db', { token: 'shop.api.pod' });
  assert.deepEqual({ ...fetched.json.secrets?.[0]?.data }, data);
});

test('whether a secret exists is not told to one who may neither create nor replace it', async (t) => {
  const { call } = await startApi(t, {
    mayAdminister: ({ on }) => on.name === 'exists' && on.namespace === 'shop',
  });
  await call('PUT', '/v1/namespaces/shop/secrets/exists', { body: secret() });
  const refused = await Promise.all(
    ['exists', 'absents'].map((name) =>
      call('PUT', `/v1/namespaces/other/secrets/${name}`, { body: secret() }),
    ),
  );
  assert.equal(refused[0]?.text.replace('exists', 'absents'), refused[1]?.text);
});

test('an absent and a forbidden secret are answered with the same status, headers and words', async (t) => {
  const { call } = await startApi(t);
  await call('PUT', '/v1/namespaces/shop/secrets/aa', { body: secret({ readers: [] }) });
  const forbidden = await call('GET', '/v1/secrets?name=aa', { token: 'shop.api.pod' });
  const absent = await call('GET', '/v1/secrets?name=bb', { token: 'shop.api.pod' });
  assert.equal(forbidden.status, 404);
  assert.equal(forbidden.text.replaceAll('aa', 'bb'), absent.text);
  const names = (headers: Headers) => [...headers.keys()].sort();
  assert.deepEqual(names(forbidden.headers), names(absent.headers));
});

test('of several secrets, one that is missing means none, and the answer says which', async (t) => {
  const { call } = await startApi(t);
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
  const { call } = await startApi(t);
  await call('PUT', DB, { body: secret() });
  assert.equal((await call('GET', '/v1/secrets', { token: 'shop.api.none' })).status, 403);
});

test('an administrator never gets a value back', async (t) => {
  const { call } = await startApi(t);
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
  const { call } = await startApi(t, { mayAdminister: (action) => (asked.push(action), false) });
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
  const { call } = await startApi(t, { mayAdminister: ({ verb }) => verbs.push(verb) > 0 });
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-none-match': '*' } })).status, 201);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-none-match': '*' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '"7"' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '"1"' } })).json.version, 2);
  assert.equal((await call('DELETE', DB, { headers: { 'if-match': '"1"' } })).status, 412);
  assert.equal((await call('PUT', DB, { body: secret(), headers: { 'if-match': '*' } })).status, 400);
  assert.deepEqual(verbs, ['create', 'update', 'update', 'update', 'delete', 'update']);
});

test('a list comes in pages that continue where the last one ended', async (t) => {
  const { call } = await startApi(t);
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

test('an unknown path is a 404, an unknown method a 405, and neither is answered without a token', async (t) => {
  const { call, url } = await startApi(t);
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

test('every answer of a value and every refusal has its line in the audit log, with who and what and never a value', async (t) => {
  const { call, lines } = await startApi(t, { mayAdminister: ({ verb }) => verb !== 'delete' });
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
  const { call } = await startApi(t, {
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
  const { call, metrics } = await startApi(t);
  await call('PUT', DB, { body: secret() });
  await call('GET', '/v1/secrets', { token: 'shop.api.pod' });
  const text = await metrics.text();
  assert.match(text, /^sotto_safe_secrets 1$/m);
  assert.match(text, /^sotto_safe_secrets_served_total 1$/m);
  assert.match(text, /^sotto_safe_request_duration_seconds_count\{method="PUT",status="201"\} 1$/m);
  for (const name of ['shop', 'db', 'api', 'hunter2']) assert.ok(!text.includes(`"${name}"`));
});
