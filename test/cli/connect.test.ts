import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { connectToSafe, openTls } from '../../cli/connect.ts';
import { Failure } from '../../cli/failure.ts';
import { TunnelError } from '../../cli/tunnel.ts';
import { SAFE_HOST } from '../../shared/names.ts';
import { createTestAuthority, type LeafOptions } from '../support/certificates.ts';
import { fakeCluster, READY_POD } from './support/fake-cluster.ts';
import { METADATA, serveFakeSafe } from './support/fake-safe.ts';

const timeoutMs = 5000;

async function tcp(port: number): Promise<Duplex> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('a token of the service account, the published authority and a ready pod lead to Safe', async (t) => {
  const safe = await serveFakeSafe(t, () => ({ status: 200, body: METADATA }));
  const asked: string[] = [];
  const cluster = fakeCluster({
    readTrustBundle: () => Promise.resolve(safe.ca),
    listSafePods: () =>
      Promise.resolve([
        { ...READY_POD, name: 'sotto-safe-0', ready: false },
        { ...READY_POD, name: 'sotto-safe-1' },
      ]),
    requestToken: ({ namespace, name }) => {
      asked.push(`token of ${namespace}/${name}`);
      return Promise.resolve('T0ken');
    },
    openTunnel: (pod, port) => {
      asked.push(`tunnel to ${pod}:${String(port)}`);
      return tcp(safe.port);
    },
  });
  const client = await connectToSafe(cluster, { timeoutMs });
  t.after(() => client.close());
  assert.deepEqual(await client.get({ namespace: 'shop', name: 'db' }), METADATA);
  assert.equal(safe.requests[0]?.headers.authorization, 'Bearer T0ken');
  assert.deepEqual(asked, ['token of sotto-system/sotto-admin', 'tunnel to sotto-safe-1:8443']);
});

test('what is missing on the way to Safe is named', async () => {
  const forbidden = new Failure('forbidden', 'you may not get it', { advice: 'ask' });
  const ways: readonly (readonly [Parameters<typeof fakeCluster>[0], object])[] = [
    [
      { requestToken: () => Promise.resolve(undefined) },
      { message: /^Sotto is not installed in this cluster \(context test\)/ },
    ],
    [
      { readTrustBundle: () => Promise.resolve(undefined) },
      { message: /^ConfigMap sotto-trust-bundle in sotto-system has no ca.crt/ },
    ],
    [
      { readTrustBundle: () => Promise.reject(forbidden) },
      {
        kind: 'forbidden',
        advice: 'Where Sotto is installed, everybody may: is it, in this cluster (context test)?',
      },
    ],
    [
      { listSafePods: () => Promise.resolve([]) },
      { message: /^there is no Safe pod in sotto-system: .* scaled to 0\?$/ },
    ],
    [
      { listSafePods: () => Promise.resolve([{ ...READY_POD, ready: false, trouble: 'CrashLoopBackOff' }]) },
      { kind: 'unreachable', message: 'no Safe pod is ready (sotto-safe-0: CrashLoopBackOff)' },
    ],
  ];
  for (const [changes, expected] of ways) {
    await assert.rejects(connectToSafe(fakeCluster(changes), { timeoutMs }), expected);
  }
});

test('a service account of a team that does not exist is named, with the command that makes it', async () => {
  const cluster = fakeCluster({ requestToken: () => Promise.resolve(undefined) });
  const serviceAccount = { namespace: 'shop', name: 'deployer' };
  await assert.rejects(connectToSafe(cluster, { serviceAccount, timeoutMs }), {
    message:
      /^service account shop\/deployer does not exist: kubectl create serviceaccount deployer -n shop makes it/,
  });
});

test('when several things are missing the same one is named every time', async () => {
  const cluster = fakeCluster({
    readTrustBundle: () => Promise.reject(new Failure('unreachable', 'first')),
    requestToken: () => Promise.reject(new Failure('unreachable', 'second')),
    listSafePods: () => Promise.reject(new Failure('unreachable', 'third')),
  });
  for (let i = 0; i < 20; i++)
    await assert.rejects(connectToSafe(cluster, { timeoutMs }), { message: 'first' });
});

/** A TLS server that counts the bytes it was given. */
async function serveTls(
  t: TestContext,
  leaf: LeafOptions,
): Promise<{ port: number; ca: string; received: () => number }> {
  const authority = await createTestAuthority();
  const { cert, key } = await authority.issue(leaf);
  let received = 0;
  const server = createServer({ cert, key }, (socket) => {
    socket.on('data', (chunk) => (received += chunk.length));
    socket.on('error', () => undefined);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, ca: authority.ca, received: () => received };
}

test('only a certificate of the published authority, for the name of Safe, and in its time, is spoken to', async (t) => {
  const stranger = await createTestAuthority();
  const past = { notBefore: new Date('2020-01-01'), notAfter: new Date('2020-02-01') };
  const [good, otherName, expired] = await Promise.all([
    serveTls(t, { dnsNames: [SAFE_HOST] }),
    serveTls(t, { dnsNames: ['localhost'] }),
    serveTls(t, { dnsNames: [SAFE_HOST], ...past }),
  ]);
  const open = ({ port, ca }: { port: number; ca: string }) =>
    openTls(fakeCluster({ openTunnel: () => tcp(port) }), { pod: 'sotto-safe-0', ca, timeoutMs });
  for (const server of [{ ...good, ca: stranger.ca }, otherName, expired]) {
    await assert.rejects(open(server), {
      kind: 'unreachable',
      message: /^the certificate that Safe shows is not trusted/,
    });
  }
  const socket = await open(good);
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
  assert.deepEqual(
    [good, otherName, expired].map(({ received }) => received()),
    [0, 0, 0],
  );
});

test('a tunnel that ends before the handshake is over is reported, however it ends', async () => {
  const ways: readonly (readonly [(far: Duplex, near: Duplex) => void, RegExp])[] = [
    [(_, near) => near.destroy(new TunnelError('connection refused')), /^the Safe pod accepts no connection/],
    [
      (_, near) => setImmediate(() => near.destroy(new TunnelError('refused'))),
      /^the Safe pod accepts no connection/,
    ],
    [(far) => far.end(), /^the connection to Safe was lost/],
    [(far) => far.destroy(), /^the connection to Safe was lost/],
    [(far) => far.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /^the connection to Safe was lost/],
  ];
  for (const [end, message] of ways) {
    const [near, far] = duplexPair();
    near.on('error', () => undefined); // as openTunnel does
    const openTunnel = () => {
      end(far, near);
      return Promise.resolve(near);
    };
    await assert.rejects(openTls(fakeCluster({ openTunnel }), { pod: 'p', ca: '', timeoutMs }), { message });
  }
});

test('a pod that never answers is given up in time', async () => {
  const [near] = duplexPair();
  const cluster = fakeCluster({ openTunnel: () => Promise.resolve(near) });
  await assert.rejects(openTls(cluster, { pod: 'p', ca: '', timeoutMs: 50 }), {
    message: 'Safe did not answer in time (--request-timeout)',
  });
  assert.ok(near.destroyed);
});
