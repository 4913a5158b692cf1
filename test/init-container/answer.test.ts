import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAnswer } from '../../init-container/answer.ts';
import { Failure } from '../../init-container/failure.ts';
import { buildAnswer } from './support/fake-safe.ts';

const DB = { namespace: 'shop', name: 'db' };
const parse = (document: unknown, asked = [DB]) => parseAnswer(Buffer.from(JSON.stringify(document)), asked);
const secret = (change: object) => ({
  secrets: [{ ...DB, version: 1, data: { password: 'aA==' }, ...change }],
});

test('an answer of Safe is decoded to the same bytes', () => {
  const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const [db] = parseAnswer(
    Buffer.from(buildAnswer({ db: { password: value, __proto__x: 'b', '.env': '' } })),
    [DB],
  );
  assert.ok(db);
  assert.equal(`${db.namespace}/${db.name} ${db.version}`, 'shop/db 1');
  assert.deepEqual([...db.data.keys()], ['password', '__proto__x', '.env']);
  assert.deepEqual(db.data.get('password')?.reveal(), value);
  assert.equal(db.data.get('.env')?.byteLength, 0);
});

test('a key named like a prototype is a key like any other', () => {
  const body = Buffer.from(
    '{"secrets":[{"namespace":"shop","name":"db","version":1,"data":{"__proto__":"aA==","constructor":"aQ=="}}]}',
  );
  assert.deepEqual([...(parseAnswer(body, [DB])[0]?.data.keys() ?? [])], ['__proto__', 'constructor']);
});

test('fields that a later Safe may add are ignored', () => {
  assert.equal(parse({ ...secret({ labels: {} }), somethingNew: 1 }).length, 1);
});

test('a secret asked for that is not in the answer is refused by its name', () => {
  assert.throws(() => parse(secret({}), [DB, { namespace: 'payments', name: 'stripe' }]), {
    reason: 'answer_invalid',
    message: /secret payments\/stripe is not in it/,
  });
});

test('a secret that was not asked for is refused', () => {
  const body = Buffer.from(buildAnswer({ db: { a: 'b' }, other: { a: 'b' } }));
  assert.throws(() => parseAnswer(body, [DB]), { message: /not asked for/ });
  assert.equal(parseAnswer(body, []).length, 2);
});

test('a secret that is there twice is refused', () => {
  const [one] = secret({}).secrets;
  assert.throws(() => parse({ secrets: [one, one] }), { message: /secrets\[1\] is there twice/ });
});

const HOSTILE_NAMES = [
  '', '.', '..', '../db', 'db/..', '/etc/passwd', 'a/b', 'a\0b', 'a\nb', '..data', '..2026_11_24_07_31_02.abcdef',
  'DB', 'db ', ' db', 'db.', '.db', '-db', 'db-', 'a..b', 'dѣ', 'a'.repeat(254), '*', '%2e%2e', '~', '$HOME', 'db\\..', '\u202edb',
]; // prettier-ignore

const HOSTILE_KEYS = [
  '', '.', '..', '...', '..data', '../x', '..x', 'a/b', '/x', 'a\0', 'a\n', 'a b', 'ключ', 'x'.repeat(254), '%2e', 'a\\b', '~/x', 'a:b', '\u202ex', '*', '$(x)', '`x`', '\x1b[2J',
]; // prettier-ignore

for (const name of HOSTILE_NAMES) {
  test(`a secret named ${JSON.stringify(name.slice(0, 40))} is refused`, () => {
    assert.throws(() => parse(secret({ name }), []), {
      reason: 'answer_invalid',
      message: /secrets\[0\]\.name is wrong/,
    });
    assert.throws(() => parse(secret({ namespace: name }), []), Failure);
  });
}

for (const key of HOSTILE_KEYS) {
  test(`a key ${JSON.stringify(key.slice(0, 40))} is refused, and not repeated`, () => {
    assert.throws(() => parse(secret({ data: { [key]: 'aA==' } })), {
      reason: 'answer_invalid',
      message: /: secrets\[0\]\.data has a key that cannot be a file name;/,
    });
  });
}

for (const value of [
  'hunter2',
  'aA',
  'aA=',
  'aA===',
  'aB==',
  'aA==\n',
  ' aA==',
  'aA==aA==',
  '====',
  'aA_-',
  '\ud800',
  1,
  null,
  ['aA=='],
  {},
]) {
  test(`a value ${JSON.stringify(value)} is no base64, and is not repeated`, () => {
    assert.throws(
      () => parse(secret({ data: { password: value } })),
      ({ reason, message }: Failure) =>
        reason === 'answer_invalid' &&
        message.includes('secrets[0].data.password is not') &&
        !message.includes('hunter2'),
    );
  });
}

for (const version of [0, -1, 1.5, '1', null, 2 ** 53]) {
  test(`a version ${String(version)} is refused`, () => {
    assert.throws(() => parse(secret({ version })), { message: /secrets\[0\]\.version is wrong/ });
  });
}

test('whatever arrives, the only error is the one that is declared', () => {
  const anything = fc.oneof(
    fc.json(),
    fc.string(),
    fc.json().map((text) => `{"secrets":[${text}]}`),
  );
  fc.assert(
    fc.property(anything, (text) => {
      try {
        parseAnswer(Buffer.from(text), []);
      } catch (error) {
        assert.ok(error instanceof Failure);
        assert.equal(error.reason, 'answer_invalid');
      }
    }),
  );
});

test('an answer that was cut is never taken for a whole one', () => {
  const body = Buffer.from(buildAnswer({ db: { password: 'hunter2' } }));
  for (let length = 0; length < body.length; length++) {
    assert.throws(() => parseAnswer(body.subarray(0, length), [DB]), Failure);
  }
});
