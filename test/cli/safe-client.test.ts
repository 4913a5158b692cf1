import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createSafeClient, type SafeClient } from '../../cli/safe-client.ts';
import { dataOf } from '../support/secrets.ts';
import { createTestAuthority } from '../support/certificates.ts';
import {
  dial,
  METADATA,
  refusal,
  serveFakeSafe,
  type Answer,
  type FakeSafe,
  type ReceivedRequest,
} from './support/fake-safe.ts';

type Script = (request: ReceivedRequest) => Answer | 'silence' | 'hang up';

const shopDb = { namespace: 'shop', name: 'db' };

async function start(
  t: TestContext,
  script: Script,
  timeoutMs = 5000,
): Promise<{ client: SafeClient; safe: FakeSafe }> {
  const safe = await serveFakeSafe(t, script);
  const client = createSafeClient({
    openStream: () => dial(safe.port, safe.ca),
    token: 'T0ken',
    caller: { namespace: 'sotto-system', name: 'sotto-admin' },
    timeoutMs,
  });
  t.after(() => client.close());
  return { client, safe };
}

test('get returns the metadata, and undefined for a secret that does not exist', async (t) => {
  const { client, safe } = await start(t, ({ line }) =>
    line.endsWith('/db') ? { status: 200, body: METADATA } : refusal(404, 'not_found', 'no'),
  );
  assert.deepEqual(await client.get(shopDb), METADATA);
  assert.equal(await client.get({ namespace: 'shop', name: 'other' }), undefined);
  assert.deepEqual(
    safe.requests.map(({ line }) => line),
    ['GET /v1/namespaces/shop/secrets/db', 'GET /v1/namespaces/shop/secrets/other'],
  );
});

test('every request carries the token, and all of them travel over one connection', async (t) => {
  const { client, safe } = await start(t, () => ({ status: 200, body: METADATA }));
  for (let i = 0; i < 5; i++) {
    await client.get(shopDb);
    await client.put(shopDb, { data: dataOf({ a: 'b' }), replaces: 3 });
  }
  assert.equal(safe.connections(), 1);
  assert.ok(safe.requests.every(({ headers }) => headers.authorization === 'Bearer T0ken'));
});

test('put sends the values in base64 and says which version it replaces', async (t) => {
  const { client, safe } = await start(t, () => ({ status: 200, body: METADATA }));
  await client.put(shopDb, {
    data: dataOf({ password: 'hunter2' }),
    replaces: 7,
    readers: [{ serviceAccount: 'api' }],
  });
  const [request] = safe.requests;
  assert.equal(request?.line, 'PUT /v1/namespaces/shop/secrets/db');
  assert.equal(request.headers['if-match'], '"7"');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(request.body), {
    data: { password: 'aHVudGVyMg==' },
    readers: [{ serviceAccount: 'api' }],
  });
});

test('put of a new secret insists that there is none, and leaves out the readers that were not given', async (t) => {
  const { client, safe } = await start(t, () => ({ status: 201, body: METADATA }));
  await client.put(shopDb, { data: dataOf({ a: '' }), replaces: undefined });
  assert.equal(safe.requests[0]?.headers['if-none-match'], '*');
  assert.deepEqual(JSON.parse(safe.requests[0].body), { data: { a: '' } });
});

test('a key such as __proto__ is a key like any other', async (t) => {
  const { client, safe } = await start(t, () => ({ status: 201, body: METADATA }));
  await client.put(shopDb, {
    data: dataOf(JSON.parse('{"__proto__":"x"}') as Record<string, string>),
    replaces: undefined,
  });
  assert.equal(safe.requests[0]?.body, '{"data":{"__proto__":"eA=="}}');
});

test('a secret that somebody else changed is a conflict, and says so', async (t) => {
  const { client } = await start(t, () => refusal(412, 'precondition_failed', 'it is at version 8'));
  await assert.rejects(client.put(shopDb, { data: dataOf({ a: 'b' }), replaces: 7 }), {
    kind: 'conflict',
    message: /^somebody else changed secret shop\/db meanwhile, so nothing was done: it is at version 8/,
  });
});

test('a right that is missing is named by the verb that Safe asks about', async (t) => {
  const { client } = await start(t, () => refusal(403, 'forbidden', 'no'));
  const data = dataOf({ a: 'b' });
  await assert.rejects(client.put(shopDb, { data, replaces: undefined }), {
    message: /may not create secret shop\/db/,
  });
  await assert.rejects(client.put(shopDb, { data, replaces: 1 }), {
    message: /may not update secret shop\/db/,
  });
  await assert.rejects(client.get(shopDb), { message: /may not get secret shop\/db/ });
  await assert.rejects(client.delete(shopDb), { message: /may not delete secret shop\/db/ });
  await assert.rejects(client.list('shop', 10), { message: /may not list the secrets of namespace shop/ });
});

test('list follows the pages to the end', async (t) => {
  const page = (name: string, next?: string) => ({
    status: 200,
    body: { items: [{ ...METADATA, name }], ...(next !== undefined && { continue: next }) },
  });
  const { client, safe } = await start(t, ({ line }) => {
    if (line.endsWith('continue=b%3D')) return page('b', 'c');
    return line.endsWith('continue=c') ? page('c') : page('a', 'b=');
  });
  const names = (await client.list('shop', 2)).map(({ name }) => name);
  assert.deepEqual(names, ['a', 'b', 'c']);
  assert.equal(safe.requests[0]?.line, 'GET /v1/namespaces/shop/secrets?limit=2');
  await client.list(undefined, 2);
  assert.equal(safe.requests[3]?.line, 'GET /v1/secrets/metadata?limit=2');
});

test('a page that leads to itself ends the list instead of going round for ever', async (t) => {
  const { client } = await start(t, () => ({ status: 200, body: { items: [], continue: 'again' } }));
  await assert.rejects(client.list('shop', 2), { kind: 'internal' });
});

test('an answer of another shape is called that, and nothing of it is repeated', async (t) => {
  for (const body of ['Canary', { name: 'Canary' }, []]) {
    const { client } = await start(t, () => ({ status: 200, body }));
    await assert.rejects(client.get(shopDb), {
      kind: 'internal',
      message: /^Safe answered something that this version does not understand/,
    });
  }
});

test('delete needs no particular answer', async (t) => {
  const { client, safe } = await start(t, () => ({ status: 200, body: { version: 4 } }));
  await client.delete(shopDb);
  assert.equal(safe.requests[0]?.line, 'DELETE /v1/namespaces/shop/secrets/db');
});

test('no answer in time ends a request; for a write it is said that it may have happened', async (t) => {
  const { client } = await start(t, () => 'silence', 100);
  const timedOut = /^Safe did not answer in time \(--request-timeout\)/;
  await assert.rejects(client.get(shopDb), { kind: 'unreachable', message: /timeout\)$/ });
  await assert.rejects(client.delete(shopDb), { message: timedOut });
  await assert.rejects(client.delete(shopDb), { message: /Whether it was done is not known/ });
});

test('a connection that breaks is reported, and the next request opens another', async (t) => {
  let isDown = true;
  const { client, safe } = await start(t, () => (isDown ? 'hang up' : { status: 200, body: METADATA }));
  await assert.rejects(client.get(shopDb), { message: /^the connection to Safe was lost \(ECONNRESET\)/ });
  isDown = false;
  assert.deepEqual(await client.get(shopDb), METADATA);
  assert.equal(safe.connections(), 2);
});

test('a server whose certificate comes from another authority, or is for another name, gets nothing', async (t) => {
  const { safe } = await start(t, () => ({ status: 200, body: METADATA }));
  const stranger = await createTestAuthority();
  await assert.rejects(dial(safe.port, stranger.ca), { code: /UNABLE_TO|SELF_SIGNED|CERT_SIGNATURE/ });
  assert.equal(safe.requests.length, 0);
});
