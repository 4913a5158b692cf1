import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../../safe/backup/store-error.ts';
import type { SecretData } from '../../safe/kube-objects.ts';
import { obtainRootKey, rememberStore } from '../../safe/root-key.ts';

function objectsWith(existing?: SecretData) {
  let secret = existing;
  return {
    readSecret: () => Promise.resolve(secret),
    createSecret: (_: string, __: string, data: SecretData) => {
      const isNew = secret === undefined;
      secret ??= data;
      return Promise.resolve(isNew);
    },
    applySecret: (_: string, __: string, data: SecretData) => {
      secret = { ...secret, ...data };
      return Promise.resolve();
    },
  };
}

const code = (expected: string) => (error: unknown) => error instanceof StoreError && error.code === expected;

test('the root key is made once, and two that start at the same time end up with the same one', async () => {
  const objects = objectsWith();
  const [a, b] = await Promise.all([obtainRootKey(objects, false), obtainRootKey(objects, false)]);
  assert.equal(a.length, 32);
  assert.deepEqual(a, b);
  assert.deepEqual(await obtainRootKey(objects, true), a);
});

test('a store whose root key is gone is refused instead of being given a new one', async () => {
  await assert.rejects(obtainRootKey(objectsWith(), true), code('root_key_missing'));
});

test('a Secret that holds anything but 32 bytes is refused', async () => {
  for (const existing of [{}, { 'root-key': Buffer.alloc(31) }, { 'root-key': Buffer.alloc(64) }]) {
    await assert.rejects(obtainRootKey(objectsWith(existing), true), code('wrong_root_key'));
  }
});

test('a key whose store is gone is refused, so that Safe never starts emptier than it was', async () => {
  const objects = objectsWith();
  await obtainRootKey(objects, false);
  await obtainRootKey(objects, false); // it was killed before it had a store
  await rememberStore(objects, Buffer.alloc(16, 1));
  await rememberStore(objects, Buffer.alloc(16, 1));
  await assert.rejects(obtainRootKey(objects, false), code('store_missing'));
  assert.equal((await obtainRootKey(objects, true)).length, 32);
});

test('another store than the one that the key belongs to is refused', async () => {
  const objects = objectsWith();
  await obtainRootKey(objects, false);
  await rememberStore(objects, Buffer.alloc(16, 1));
  await assert.rejects(rememberStore(objects, Buffer.alloc(16, 2)), code('other_store'));
});
