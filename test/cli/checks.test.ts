import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkCertificate,
  checkInjection,
  checkNoPod,
  checkPod,
  checkVolume,
  checkWebhook,
  checkWebhookTrust,
} from '../../cli/checks.ts';
import { READY_POD } from './support/fake-cluster.ts';

const now = new Date('2026-11-24T12:30:00Z');
const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;

test('a ready pod is told with its restarts, age and image', () => {
  assert.deepEqual(checkPod(READY_POD, undefined, now), {
    check: 'safe_pod',
    object: 'sotto-safe-0',
    state: 'ok',
    detail: 'ready, 0 restarts, 4h30m old, image sotto.dev/sotto:0.1.0',
  });
});

test('a pod that is not ready is told with the reason of Kubernetes and its own', () => {
  const pod = { ...READY_POD, ready: false, restarts: 1, trouble: 'OOMKilled', createdAt: undefined };
  const { state, detail } = checkPod(pod, 'the store is not open yet', now);
  assert.equal(state, 'failed');
  assert.equal(
    detail,
    'not ready (OOMKilled, the store is not open yet), 1 restart, age unknown, image sotto.dev/sotto:0.1.0',
  );
  assert.equal(checkNoPod().state, 'failed');
});

test('a certificate is healthy until less than a quarter of its life is left', () => {
  const day = 86_400_000;
  const leftAfter = (days: number) => {
    const from = new Date(now.getTime() - days * day);
    return checkCertificate('sotto-safe-0', { from, to: new Date(from.getTime() + 30 * day) }, now);
  };
  assert.equal(leftAfter(21).detail, 'trusted, until 2026-12-03 (9d left)');
  assert.equal(leftAfter(22).state, 'ok');
  assert.equal(leftAfter(23).state, 'failed');
  assert.match(leftAfter(23).detail, /should have been renewed by now; look at the log of sotto-safe-0$/);
});

test('a volume is healthy when it is bound', () => {
  assert.equal(checkVolume({ name: 'data', phase: 'Bound', capacity: '1Gi' }).detail, 'Bound, 1Gi');
  const pending = checkVolume({ name: 'data', phase: 'Pending', capacity: '' });
  assert.deepEqual(
    [pending.state, pending.detail],
    ['failed', 'Pending: kubectl describe pvc -n sotto-system data'],
  );
});

test('a webhook is healthy when all of its replicas are ready, and without any no pod can be created', () => {
  const check = (ready: number) => checkWebhook({ desired: 2, ready, image: 'i' });
  assert.deepEqual(
    [check(2).state, check(3).state, check(1).state, check(0).state],
    ['ok', 'ok', 'failed', 'failed'],
  );
  assert.equal(check(0).detail, '0 of 2 replicas ready, image i: no annotated pod can be created');
  assert.match(checkWebhook(undefined).detail, /^there is no Deployment sotto-webhook/);
});

test('the API server must trust every authority that Safe announces, and may trust more', () => {
  const trust = (caBundles: string[] | undefined, bundle: string | undefined) =>
    checkWebhookTrust(caBundles, bundle).state;
  assert.equal(trust([pem('AA==')], pem('AA==')), 'ok');
  assert.equal(trust([`# comment\n${pem('AA\n==')}${pem('BB==')}`], pem('AA==')), 'ok');
  assert.equal(trust([pem('AA==')], pem('AA==') + pem('BB==')), 'failed');
  assert.equal(trust([pem('AA=='), ''], pem('AA==')), 'failed');
  assert.equal(trust([], pem('AA==')), 'failed');
  assert.equal(trust(undefined, pem('AA==')), 'failed');
  assert.equal(trust([pem('AA==')], undefined), 'failed');
  assert.equal(trust([pem('AA==')], 'no certificate at all'), 'failed');
});

test('the namespaces that are injected are named, five at most', () => {
  assert.match(
    checkInjection([]).detail,
    /^in no namespace yet: kubectl label namespace NAME sotto.dev\/injection=enabled$/,
  );
  assert.equal(checkInjection(['shop']).detail, 'in 1 namespace: shop');
  assert.equal(
    checkInjection(['a', 'b', 'c', 'd', 'e', 'f', 'g']).detail,
    'in 7 namespaces: a, b, c, d, e and 2 more',
  );
});
