import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepTrust, loadAuthority } from '../../../safe/authority/keep-trust.ts';
import type { OwnObjects, SecretData, WebhookConfiguration } from '../../../safe/kube-objects.ts';

/** The objects in memory: what the API server makes of the real calls is tested in `test/e2e`. */
function objectsInMemory() {
  const secrets = new Map<string, SecretData>();
  const bundles = new Map([['inject.sotto.dev', '']]);
  const writes: string[] = [];
  const objects: OwnObjects = {
    readSecret: (name) => Promise.resolve(secrets.get(name)),
    createSecret: (name, _, data) => {
      const isNew = !secrets.has(name);
      if (isNew) secrets.set(name, data);
      return Promise.resolve(isNew);
    },
    applySecret: (name, _, data) => {
      writes.push(name);
      secrets.set(name, { ...secrets.get(name), ...data });
      return Promise.resolve();
    },
    applyConfigMap: () => Promise.resolve(),
  };
  const webhooks: WebhookConfiguration = {
    readCaBundles: () => Promise.resolve(bundles),
    writeCaBundles: (names, pem) => {
      for (const name of names) bundles.set(name, pem);
      writes.push('caBundle');
      return Promise.resolve();
    },
    watch: () => Promise.resolve(),
  };
  return { objects, webhooks, secrets, bundles, writes };
}

const now = () => new Date();

test('the authority is made once: whoever comes later, or second, uses the one that is there', async () => {
  const { objects } = objectsInMemory();
  const [first, second] = await Promise.all([loadAuthority(objects, now()), loadAuthority(objects, now())]);
  assert.deepEqual(first, second);
  assert.deepEqual(await loadAuthority(objects, now()), first);
});

test('the first round issues the webhook’s certificate and fills in the caBundle; the next one changes nothing', async () => {
  const { objects, webhooks, secrets, bundles, writes } = objectsInMemory();
  const authority = await loadAuthority(objects, now());
  assert.deepEqual(await keepTrust(authority, { objects, webhooks, now }), {
    issuedCertificate: true,
    wroteCaBundle: true,
  });
  assert.equal(bundles.get('inject.sotto.dev'), authority.cert);
  assert.equal(secrets.get('sotto-webhook-tls')?.['ca.crt']?.toString(), authority.cert);
  assert.deepEqual(await keepTrust(authority, { objects, webhooks, now }), {
    issuedCertificate: false,
    wroteCaBundle: false,
  });
  assert.deepEqual(writes.toSorted(), ['caBundle', 'sotto-webhook-tls']);
});

test('a caBundle that somebody else changed or blanked is put right', async () => {
  const { objects, webhooks, bundles } = objectsInMemory();
  const authority = await loadAuthority(objects, now());
  await keepTrust(authority, { objects, webhooks, now });
  for (const theirs of ['', 'something else']) {
    bundles.set('inject.sotto.dev', theirs);
    assert.deepEqual(await keepTrust(authority, { objects, webhooks, now }), {
      issuedCertificate: false,
      wroteCaBundle: true,
    });
    assert.equal(bundles.get('inject.sotto.dev'), authority.cert);
  }
});

test('a certificate is renewed after two thirds of its life, long before it ends', async () => {
  const { objects, webhooks } = objectsInMemory();
  const authority = await loadAuthority(objects, now());
  await keepTrust(authority, { objects, webhooks, now });
  const in21Days = () => new Date(Date.now() + 21 * 24 * 60 * 60 * 1000);
  assert.equal((await keepTrust(authority, { objects, webhooks, now: in21Days })).issuedCertificate, true);
});
