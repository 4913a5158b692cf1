import assert from 'node:assert/strict';
import { createPrivateKey, createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClusterEnvironment } from '../cluster/inside.ts';
import type { WorkloadSecrets } from '../../shared/api.ts';
import { apply, kubectl, run, waitFor } from './support/kubectl.ts';
import { createNamespace } from './support/namespace.ts';
import { pod, waitUntilStarted } from './support/pods.ts';
import { callSafe, createToken } from './support/safe-api.ts';
import { putSecret } from './support/secrets.ts';

const cluster = readClusterEnvironment(process.env);
const namespace = await createNamespace('tokens');
const other = await createNamespace('tokens-other');
await putSecret(`${namespace}/db/password`, 'hunter2');
await apply(
  pod(namespace, 'api'),
  pod(namespace, 'doomed'),
  pod(namespace, 'stranger', { annotations: {}, serviceAccount: 'stranger' }),
  pod(other, 'api', { annotations: {} }),
);
const [api, doomed, stranger, elsewhere] = await Promise.all([
  waitUntilStarted(namespace, 'api'),
  waitUntilStarted(namespace, 'doomed'),
  waitUntilStarted(namespace, 'stranger'),
  waitUntilStarted(other, 'api'),
]);

const FETCH = `/v1/secrets?name=${namespace}/db`;
const SECRET = `/v1/namespaces/${namespace}/secrets/db`;
const fetchWith = async (token?: string) =>
  (await callSafe('GET', FETCH, token === undefined ? {} : { token })).status;
const BODY = JSON.stringify({ data: { password: 'aHVudGVyMw==' } });

test('the pod-bound token of a reader fetches the secret; other service accounts and namespaces get the 404 of an absent one', async () => {
  const token = await createToken(namespace, 'api', { pod: api.metadata });
  const { secrets } = JSON.parse((await callSafe('GET', FETCH, { token })).text) as WorkloadSecrets;
  assert.deepEqual(secrets[0]?.data, {
    password: Buffer.from('hunter2').toString('base64'),
  });
  assert.equal(await fetchWith(await createToken(namespace, 'stranger', { pod: stranger.metadata })), 404);
  assert.equal(await fetchWith(await createToken(other, 'api', { pod: elsewhere.metadata })), 404);
});

test('a token of another audience, of no audience of ours, garbage, and none at all are a 401', async () => {
  const issuer = 'https://kubernetes.default.svc';
  assert.equal(
    await fetchWith(await createToken(namespace, 'api', { audience: issuer, pod: api.metadata })),
    401,
  );
  assert.equal(
    await fetchWith(
      await createToken(namespace, 'api', { audience: 'safe.sotto.dev.evil', pod: api.metadata }),
    ),
    401,
  );
  assert.equal(await fetchWith('not.a.token'), 401);
  assert.equal(await fetchWith(), 401);
});

test('an expired token is a 401, although its signature is good', async () => {
  const good = await createToken(namespace, 'api', { pod: api.metadata });
  const now = Math.floor(Date.now() / 1000);
  assert.equal(
    await fetchWith(resign(good, { iat: now, nbf: now, exp: now + 600 })),
    200,
    'a token that we sign is one',
  );
  assert.equal(await fetchWith(resign(good, { iat: now - 1200, nbf: now - 1200, exp: now - 600 })), 401);
});

test('a token that is bound to no pod is no workload’s, and fetches nothing', async () => {
  assert.equal(await fetchWith(await createToken(namespace, 'api')), 403);
});

test('the token of a deleted pod is refused within seconds', async () => {
  const token = await createToken(namespace, 'api', { pod: doomed.metadata });
  assert.equal(await fetchWith(token), 200);
  await kubectl(['delete', 'pod', 'doomed', '-n', namespace, '--force', '--grace-period=0']);
  await waitFor('the token of a deleted pod to be refused', async () => (await fetchWith(token)) === 401, {
    timeoutMs: 30_000,
  });
});

test('a service account administers what a Role says, in its namespace and no other, and kubectl can tell', async () => {
  const token = await createToken(namespace, 'stranger');
  assert.equal((await callSafe('PUT', SECRET, { token, body: BODY })).status, 403);
  await kubectl([
    'create',
    'rolebinding',
    'deployer',
    '-n',
    namespace,
    '--clusterrole=sotto-secrets-admin',
    `--serviceaccount=${namespace}:stranger`,
  ]);
  await waitFor('kubectl to say yes', async () => {
    const as = `--as=system:serviceaccount:${namespace}:stranger`;
    const args = ['auth', 'can-i', 'update', 'safesecrets.sotto.dev/db', '-n', namespace, as];
    return (await run('kubectl', args)).stdout.trim() === 'yes';
  });
  assert.equal((await callSafe('PUT', SECRET, { token, body: BODY })).status, 200);
  assert.equal(
    (await callSafe('PUT', `/v1/namespaces/${other}/secrets/db`, { token, body: BODY })).status,
    403,
  );
  assert.equal((await callSafe('GET', '/v1/secrets/metadata', { token })).status, 403);
});

test('a good API server token administers nothing', async () => {
  const token = await createToken('sotto-system', 'sotto-admin', {
    audience: 'https://kubernetes.default.svc',
  });
  assert.equal((await callSafe('PUT', SECRET, { token, body: BODY })).status, 401);
});

/** A token with other times, signed with the cluster's own key: what the API server issued, at another time. */
function resign(token: string, times: Record<string, number>): string {
  const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const [header, payload] = token.split('.');
  const body = `${encode(decode(header))}.${encode({ ...decode(payload), ...times })}`;
  const key = createPrivateKey(readFileSync(join(cluster.directory, 'pki', 'service-account.key')));
  return `${body}.${createSign('sha256').update(body).sign({ key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
