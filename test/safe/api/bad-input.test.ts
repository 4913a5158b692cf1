import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DB, encoded, rawStatus, secret, startApi } from './api.ts';

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
    'a value in the place of a key',
    { body: secret({ data: { [encoded(CANARY)]: 1, [`${CANARY}!`]: encoded('x') }, [CANARY]: 2 }) },
    400,
    'invalid_request',
  ],
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
    const { call: send, store } = await startApi(t);
    const answer = await send('PUT', DB, call);
    assert.deepEqual([answer.status, answer.json.error?.code], [status, code]);
    assert.ok(!answer.text.includes(CANARY) && !answer.text.includes(encoded(CANARY)), answer.text);
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
    const { url } = await startApi(t);
    assert.equal(await rawStatus(url, 'GET', path), 400);
  });
}

test('a request with two Authorization headers is refused, whichever of them is good', async (t) => {
  const { url } = await startApi(t);
  const authorization = ['Bearer shop.api.pod', 'Bearer bad'];
  assert.equal(await rawStatus(url, 'GET', '/v1/secrets', { authorization }), 401);
});
