import assert from 'node:assert/strict';
import { format, inspect } from 'node:util';
import { test } from 'node:test';
import { SecretValue } from '../../shared/secret-value.ts';

test('a secret shows itself in no way of printing, formatting or serialising', () => {
  const secret = new SecretValue(Buffer.from('hunter2'));
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret, { depth: 10, showHidden: true }),
    inspect({ secret: [secret] }),
    format('%s %o %O %j', secret, secret, secret, secret),
    Object.entries(secret).join(),
  ].join();
  for (const encoding of ['utf8', 'hex', 'base64'] as const) {
    assert.ok(!shown.includes(Buffer.from('hunter2').toString(encoding)));
  }
});

test('a wiped secret has its length and nothing else', () => {
  const secret = new SecretValue(Buffer.from('hunter2'));
  secret.wipe();
  assert.deepEqual([...secret.reveal()], Array(7).fill(0));
});
