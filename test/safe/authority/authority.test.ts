import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { createAuthority, isCurrent, issueLeaf, renewalTime } from '../../../safe/authority/authority.ts';
import { serveHttps } from '../../../shared/serve.ts';

const NAMES = ['sotto-safe.sotto-system.svc', 'sotto-safe.sotto-system.svc.cluster.local'];
const DAY_MS = 24 * 60 * 60 * 1000;
const now = new Date();
const later = (days: number) => new Date(now.getTime() + days * DAY_MS);

test('a leaf is trusted by its authority for its names, and by nothing else for no other name', async (t) => {
  const authority = await createAuthority(now);
  const server = await serveHttps((_, response) => response.end(), {
    port: 0,
    host: '127.0.0.1',
    keyPair: await issueLeaf(authority, NAMES, now),
    minVersion: 'TLSv1.3',
    keepAliveTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    maxConnections: 10,
  });
  t.after(() => server.close(0));
  const handshake = (ca: string, servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, ca, servername }, () => {
        resolve(`${socket.getProtocol() ?? ''} authorized`);
        socket.destroy();
      });
      socket.on('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    });
  for (const name of NAMES) assert.equal(await handshake(authority.cert, name), 'TLSv1.3 authorized');
  assert.equal(await handshake(authority.cert, 'other.sotto-system.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.notEqual(await handshake((await createAuthority(now)).cert, NAMES[0] ?? ''), 'TLSv1.3 authorized');
});

test('an authority lives ten years and may sign leaves only; a leaf lives thirty days and may sign nothing', async () => {
  const authority = await createAuthority(now);
  const root = new X509Certificate(authority.cert);
  const leaf = new X509Certificate((await issueLeaf(authority, NAMES, now)).cert);
  assert.ok(root.ca && !leaf.ca);
  assert.equal(Math.round((root.validToDate.getTime() - now.getTime()) / DAY_MS), 3650);
  assert.equal(Math.round((leaf.validToDate.getTime() - now.getTime()) / DAY_MS), 30);
  assert.ok(leaf.validFromDate < now);
  assert.equal(createPrivateKey(authority.key).asymmetricKeyDetails?.namedCurve, 'prime256v1');
});

test('a leaf is current until two thirds of its life, and only with its own key, authority and names', async () => {
  const authority = await createAuthority(now);
  const leaf = await issueLeaf(authority, NAMES, now);
  const other = await issueLeaf(authority, NAMES, now);
  assert.ok(isCurrent(leaf, authority, NAMES, now));
  assert.ok(isCurrent(leaf, authority, NAMES, later(19)));
  assert.ok(!isCurrent(leaf, authority, NAMES, later(20.1)));
  assert.ok(!isCurrent(leaf, authority, NAMES, later(-1)));
  assert.ok(!isCurrent({ ...leaf, key: other.key }, authority, NAMES, now));
  assert.ok(!isCurrent(leaf, await createAuthority(now), NAMES, now));
  assert.ok(!isCurrent(leaf, authority, [...NAMES, 'one-more.svc'], now));
  assert.ok(!isCurrent({ cert: '', key: '' }, authority, NAMES, now));
  assert.ok(!isCurrent({ ...leaf, cert: leaf.cert.slice(0, 300) }, authority, NAMES, now));
  assert.ok(renewalTime(new X509Certificate(leaf.cert)) < later(20.1).getTime());
});
