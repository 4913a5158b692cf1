import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Cluster } from '../../cli/cluster.ts';
import { Failure } from '../../cli/failure.ts';
import { status } from '../../cli/status.ts';
import { fakeCluster, READY_POD } from './support/fake-cluster.ts';
import { fakePorts, type FakePorts } from './support/fake-ports.ts';
import { serveFakeSafe } from './support/fake-safe.ts';

const tcp = async (port: number) => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

/** A cluster in which Safe's certificate can be looked at, but for what is given. */
async function cluster(t: TestContext, changes: Partial<Cluster> = {}): Promise<Cluster> {
  const safe = await serveFakeSafe(t, () => assert.fail('status of a certificate asks Safe nothing'));
  return fakeCluster({
    readTrustBundle: () => Promise.resolve(safe.ca),
    readCaBundles: () => Promise.resolve([safe.ca]),
    openTunnel: () => tcp(safe.port),
    ...changes,
  });
}

const run = async (target: Cluster, ports: FakePorts, output: 'table' | 'json' = 'table') => {
  const now = () => new Date();
  await status({ output }, { ...ports, now, cluster: target, clientVersion: '0.1.0', timeoutMs: 5000 });
};

const stateOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    (JSON.parse(text) as { checks: { check: string; state: string }[] }).checks.map(({ check, state }) => [
      check,
      state,
    ]),
  );

const forbidden = () => Promise.reject(new Failure('forbidden', 'you may not look', { advice: 'ask' }));

test('a healthy Sotto is told in one table', async (t) => {
  const ports = fakePorts();
  await run(await cluster(t), ports);
  const rows = ports.written.out.replaceAll(/\d+[a-z]\S* old/g, 'AGE old').replaceAll(/until .*/g, 'until …');
  assert.equal(
    rows,
    `${[
      'CHECK                           STATE   DETAIL',
      'kubernetes                      ok      Kubernetes v1.37.2, kubectl sotto 0.1.0, context test',
      'safe pod sotto-safe-0           ok      ready, 0 restarts, AGE old, image sotto.dev/sotto:0.1.0',
      'safe certificate sotto-safe-0   ok      trusted, until …',
      'administration                  ok      Safe answers about the secrets of namespace shop',
      'volume data-sotto-safe-0        ok      Bound, 1Gi',
      'webhook                         ok      2 of 2 replicas ready, image sotto.dev/sotto:0.1.0',
      'webhook trust                   ok      the API server trusts the current authority',
      'injection                       ok      in 2 namespaces: payments, shop',
    ].join('\n')}\n`,
  );
});

test('what is not healthy makes the answer no, and is named', async (t) => {
  const ports = fakePorts();
  const target = await cluster(t, {
    readWebhookReplicas: () => Promise.resolve({ desired: 2, ready: 0, image: 'i' }),
    listVolumeClaims: () => Promise.resolve([{ name: 'data', phase: 'Pending', capacity: '' }]),
  });
  await assert.rejects(run(target, ports, 'json'), {
    kind: 'negative',
    message: 'not healthy: volume data, webhook',
  });
  assert.deepEqual(stateOf(ports.written.out), {
    safe_pod: 'ok',
    safe_certificate: 'ok',
    administration: 'ok',
    volume: 'failed',
    webhook: 'failed',
    webhook_trust: 'ok',
    injection: 'ok',
  });
  assert.equal((JSON.parse(ports.written.out) as { healthy: boolean }).healthy, false);
});

test('a right that is missing leaves its line unknown and does not break the others', async (t) => {
  const ports = fakePorts();
  await run(await cluster(t, { readCaBundles: forbidden, listVolumeClaims: forbidden }), ports, 'json');
  const states = stateOf(ports.written.out);
  assert.deepEqual(
    [states['webhook_trust'], states['volume'], states['safe_pod']],
    ['unknown', 'unknown', 'ok'],
  );
});

test('who may look at nothing is not told that all is well', async () => {
  const target = fakeCluster({
    listSafePods: forbidden,
    readTrustBundle: forbidden,
    readCaBundles: forbidden,
    listVolumeClaims: forbidden,
    readWebhookReplicas: forbidden,
    listInjectedNamespaces: forbidden,
  });
  await assert.rejects(run(target, { ...fakePorts(), useSafe: forbidden }), { kind: 'forbidden' });
});

test('a pod that is not ready is asked why, and its certificate is left alone', async (t) => {
  const probes = createServer((_, response) => {
    response.writeHead(503);
    response.end('not ready: the root key does not fit\n');
  });
  probes.listen(0, '127.0.0.1');
  t.after(() => probes.close());
  await once(probes, 'listening');
  const ports = fakePorts();
  const target = await cluster(t, {
    listSafePods: () => Promise.resolve([{ ...READY_POD, ready: false }]),
    openTunnel: (_, port) => {
      assert.equal(port, 9090);
      return tcp((probes.address() as AddressInfo).port);
    },
  });
  await assert.rejects(run(target, ports), {
    kind: 'negative',
    message: 'not healthy: safe pod sotto-safe-0',
  });
  assert.match(ports.written.out, /not ready \(the root key does not fit\), 0 restarts/);
  assert.doesNotMatch(ports.written.out, /safe certificate/);
});

test('a pod whose probe port does not answer is told with what Kubernetes knows', async (t) => {
  const ports = fakePorts();
  const target = await cluster(t, {
    listSafePods: () => Promise.resolve([{ ...READY_POD, ready: false, trouble: 'CrashLoopBackOff' }]),
    openTunnel: () => Promise.reject(new Error('no')),
  });
  await assert.rejects(run(target, ports), { kind: 'negative' });
  assert.match(ports.written.out, /not ready \(CrashLoopBackOff\)/);
});

test('a certificate that is not trusted is a failed check', async (t) => {
  const other = await serveFakeSafe(t, () => 'silence');
  const ports = fakePorts();
  const target = await cluster(t, { openTunnel: () => tcp(other.port) });
  await assert.rejects(run(target, ports, 'json'), { message: 'not healthy: safe certificate' });
});

test('without an API server there is nothing to tell', async () => {
  const gone = () => Promise.reject(new Failure('unreachable', 'gone'));
  const ports = fakePorts();
  await assert.rejects(run(fakeCluster({ readVersion: gone }), ports), { kind: 'unreachable' });
  assert.equal(ports.written.out, '');
});
