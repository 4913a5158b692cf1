import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReceivedSecret } from '../../init-container/answer.ts';
import { render } from '../../init-container/render.ts';
import type { Format } from '../../shared/init-config.ts';
import { SecretValue } from '../../shared/secret-value.ts';

const secret = (namespace: string, name: string, data: Record<string, string | Buffer>): ReceivedSecret => ({
  namespace,
  name,
  version: 1,
  data: new Map(Object.entries(data).map(([key, value]) => [key, new SecretValue(Buffer.from(value))])),
});

const DB = secret('shop', 'db', { password: 'hunter2', user: 'api' });
const STRIPE = secret('payments', 'stripe', { key: 'sk_1' });

function renderText(
  secrets: readonly ReceivedSecret[],
  format: Format = 'files',
  formats: Record<string, Format> = {},
): Record<string, string> {
  const files = render(secrets, { namespace: 'shop', format, formats: new Map(Object.entries(formats)) });
  return Object.fromEntries(files.map(({ path, content }) => [path, content.reveal().toString()]));
}

test('a secret is a directory with a file for each key, below its namespace when that is another one', () => {
  assert.deepEqual(renderText([DB, STRIPE]), {
    'db/password': 'hunter2',
    'db/user': 'api',
    'payments/stripe/key': 'sk_1',
  });
});

test('as json it is one file with a flat object', () => {
  assert.deepEqual(renderText([DB, STRIPE], 'json'), {
    'db.json': '{"password":"hunter2","user":"api"}\n',
    'payments/stripe.json': '{"key":"sk_1"}\n',
  });
});

test('a secret may have a format of its own', () => {
  const formats = { 'payments/stripe': 'json', 'payments/db': 'json' } as const;
  assert.deepEqual(Object.keys(renderText([DB, STRIPE], 'files', formats)), [
    'db/password',
    'db/user',
    'payments/stripe.json',
  ]);
  assert.deepEqual(Object.keys(renderText([DB], 'json', { 'shop/db': 'files' })), ['db/password', 'db/user']);
});

test('a value that is not UTF-8 cannot be JSON, and the format that can hold it is named', () => {
  const binary = secret('shop', 'db', { ok: 'x', key: Buffer.from([0x68, 0xff]) });
  assert.throws(() => renderText([binary], 'json'), {
    reason: 'secret_not_representable',
    message:
      'secret shop/db (key key) is not UTF-8 text, which the format json cannot hold; the owner of the pod has to use the format files',
  });
  assert.deepEqual(Object.keys(renderText([binary])), ['db/ok', 'db/key']);
});

test('any text is read back from the json file as it was', () => {
  const key = fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/);
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\0', '"', '\\', '\u2028', '\ufeffx', '__proto__'),
  );
  fc.assert(
    fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (data) => {
      const text = renderText([secret('shop', 'db', data)], 'json')['db.json'] ?? '';
      assert.deepEqual(new Map(Object.entries(JSON.parse(text) as object)), new Map(Object.entries(data)));
    }),
  );
});

test('any bytes are the same bytes in a file', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const [file] = render([secret('shop', 'db', { key: Buffer.from(bytes) })], {
        namespace: 'shop',
        format: 'files',
        formats: new Map(),
      });
      assert.deepEqual(new Uint8Array(file?.content.reveal() ?? []), bytes);
    }),
  );
});

test('the same secret is the same bytes, whatever order its keys came in', () => {
  assert.equal(
    renderText([secret('shop', 'db', { b: '1', a: '2' })], 'json')['db.json'],
    renderText([secret('shop', 'db', { a: '2', b: '1' })], 'json')['db.json'],
  );
});

test('a key named __proto__ is in the json like any other', () => {
  const data = new Map([['__proto__', new SecretValue(Buffer.from('x'))]]);
  assert.deepEqual(renderText([{ ...DB, data }], 'json'), { 'db.json': '{"__proto__":"x"}\n' });
});

test('a name that leaves no room for .json is refused', () => {
  const long = `${'a'.repeat(240)}.${'b'.repeat(12)}`;
  assert.throws(() => renderText([secret('shop', long, { a: '' })], 'json'), {
    message: /name too long for a \.json file/,
  });
  assert.equal(Object.keys(renderText([secret('shop', long, { a: '' })])).length, 1);
  assert.equal(Object.keys(renderText([secret('shop', long.slice(3), { a: '' })], 'json')).length, 1);
});

const COLLISIONS: readonly (readonly [string, readonly ReceivedSecret[], Record<string, Format>, RegExp])[] =
  [
    [
      'a file and a directory',
      [secret('shop', 'payments', { stripe: 'x' }), STRIPE],
      {},
      /^secret payments\/stripe \(key key\) and secret shop\/payments \(key stripe\) would both be payments\/stripe;/,
    ],
    [
      'a directory and a file',
      [STRIPE, secret('shop', 'payments', { stripe: 'x' })],
      {},
      /secret payments\/stripe \(key key\) and secret shop\/payments \(key stripe\) would both be payments\/stripe;/,
    ],
    [
      'a json file and a directory',
      [DB, secret('shop', 'db.json', { x: 'y' })],
      { 'shop/db': 'json' },
      /^secret shop\/db\.json \(key x\) and secret shop\/db would both be db\.json;/,
    ],
    [
      'two files',
      [secret('shop', 'payments', { 'stripe.json': 'x' }), STRIPE],
      { 'payments/stripe': 'json' },
      /^secret payments\/stripe and secret shop\/payments \(key stripe\.json\) would both be payments\/stripe\.json;/,
    ],
  ];

for (const [what, secrets, formats, message] of COLLISIONS) {
  test(`two secrets that would be ${what} of one path are refused, both by name`, () => {
    assert.throws(() => renderText(secrets, 'files', formats), {
      reason: 'secret_not_representable',
      message,
    });
  });
}

test('a secret and a namespace of one name share a directory as long as no path is needed twice', () => {
  assert.deepEqual(Object.keys(renderText([secret('shop', 'payments', { key: 'x' }), STRIPE])), [
    'payments/key',
    'payments/stripe/key',
  ]);
});
