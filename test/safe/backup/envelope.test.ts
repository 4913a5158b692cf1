import assert from 'node:assert/strict';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { hchacha } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import {
  createRandomPool,
  EnvelopeError,
  open,
  seal,
  type SealingKey,
} from '../../../safe/backup/envelope.ts';

const key = randomBytes(32) as SealingKey;
const bytes = fc.uint8Array({ maxLength: 600 });

test('what was sealed opens to the same bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, (plaintext, context) => {
      assert.deepEqual(
        open(key, seal(key, plaintext, context, randomBytes), context),
        Buffer.from(plaintext),
      );
    }),
  );
});

test('a flip of any single bit is noticed', () => {
  const sealed = seal(key, Buffer.from('hunter2'), Buffer.from('here'), randomBytes);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => open(key, changed, Buffer.from('here')), EnvelopeError);
  }
});

test('another key, another context and every shorter length are refused alike', () => {
  const sealed = seal(key, Buffer.from('hunter2'), Buffer.from('here'), randomBytes);
  assert.throws(() => open(randomBytes(32) as SealingKey, sealed, Buffer.from('here')), EnvelopeError);
  assert.throws(() => open(key, sealed, Buffer.from('there')), EnvelopeError);
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => open(key, sealed.subarray(0, length), Buffer.from('here')), EnvelopeError);
  }
});

test('a failure to open says nothing but that', () => {
  assert.throws(
    () => open(key, Buffer.from('a canary, not a seal'.repeat(3)), Buffer.of()),
    (error: Error) => error.message === 'could not be opened' && error.cause === undefined,
  );
});

test('OpenSSL opens what we seal', () => {
  const context = Buffer.from('the place');
  const sealed = seal(key, Buffer.from('hunter2'), context, randomBytes);
  const nonce = sealed.subarray(0, 24);
  const subkey = new Uint32Array(8);
  hchacha(words(Buffer.from('expand 32-byte k')), words(key), words(nonce.subarray(0, 16)), subkey);
  const inner = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);
  const opener = createDecipheriv('chacha20-poly1305', Buffer.from(subkey.buffer), inner, {
    authTagLength: 16,
  });
  opener.setAAD(context, { plaintextLength: 7 });
  opener.setAuthTag(sealed.subarray(-16));
  assert.equal(
    Buffer.concat([opener.update(sealed.subarray(24, -16)), opener.final()]).toString(),
    'hunter2',
  );
});

test('the pool of randomness hands out no byte twice', () => {
  let next = 0;
  const counting = (pool: Buffer) => {
    for (let at = 0; at < pool.length; at += 4) pool.writeUInt32BE(next++, at);
  };
  const random = createRandomPool(counting, 64);
  const words = Array.from({ length: 20 }, () => random(24)).flatMap((taken) =>
    [0, 4, 8].map((at) => taken.readUInt32BE(at)),
  );
  assert.equal(new Set(words).size, words.length);
});

const words = (source: Uint8Array) => new Uint32Array(Uint8Array.from(source).buffer);
