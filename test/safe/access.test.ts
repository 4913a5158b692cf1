import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAuthorize, mayRead } from '../../safe/access.ts';
import { AppError } from '../../shared/errors.ts';
import { identity } from '../support/safe.ts';

test('of 4 namespaces × 4 service accounts × 16 reader lists, exactly the named ones may read', () => {
  const namespaces = ['shop', 'shop-2', 'sho', 'payments'];
  const accounts = ['api', 'api-2', 'ap', 'default'];
  const all = namespaces.flatMap((namespace) =>
    accounts.map((serviceAccount) => ({ namespace, serviceAccount })),
  );
  for (const reader of all) {
    for (const asking of all) {
      const isSame = reader.namespace === asking.namespace && reader.serviceAccount === asking.serviceAccount;
      assert.equal(mayRead(identity(asking.namespace, asking.serviceAccount), [reader]), isSame);
    }
  }
  for (const asking of all) {
    const everyone = [{ namespace: 'shop', serviceAccount: '*' }];
    assert.equal(
      mayRead(identity(asking.namespace, asking.serviceAccount), everyone),
      asking.namespace === 'shop',
    );
  }
});

test('nobody reads a secret without readers', () => {
  assert.equal(mayRead(identity('shop', 'api'), []), false);
});

test('names that only look alike, share a prefix or differ in case are different names', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'A', 'а', '.', '-', '*', '?'), maxLength: 4 });
  fc.assert(
    fc.property(name, name, (reader, asking) => {
      const expected = reader === asking || reader === '*';
      assert.equal(
        mayRead(identity('shop', asking), [{ namespace: 'shop', serviceAccount: reader }]),
        expected,
      );
      assert.equal(
        mayRead(identity(asking, 'api'), [{ namespace: reader, serviceAccount: 'api' }]),
        reader === asking,
      );
    }),
  );
});

test('an administrator who may not is told the verb, the secret and the namespace', async () => {
  const authorize = createAuthorize(() => Promise.resolve(false));
  await assert.rejects(
    authorize(identity('shop', 'deployer'), { verb: 'update', on: { namespace: 'shop', name: 'db' } }),
    (error) =>
      error instanceof AppError &&
      error.code === 'forbidden' &&
      error.message ===
        'service account shop/deployer may not create or update safesecrets.sotto.dev/db in namespace shop',
  );
});

test('when the API server cannot be asked, nothing is allowed', async () => {
  const authorize = createAuthorize(() => Promise.reject(new Error('connection refused')));
  await assert.rejects(
    authorize(identity('shop', 'deployer'), { verb: 'list', on: {} }),
    (error) => error instanceof AppError && error.code === 'unavailable',
  );
});
