import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCluster } from '../../cli/cluster.ts';
import { readPath } from '../../cli/read-path.ts';
import { run } from '../../cli/run.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startFakeSotto } from './support/fake-sotto.ts';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const CANARY = 'Canary-7f3a91';

/** The whole program but `main.ts`, in this process. */
async function kubectlSotto(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const written = { out: '', err: '' };
  const code = await run(argv, {
    out: (text) => (written.out += text),
    err: (line) => (written.err += `${line}\n`),
    now: () => new Date(),
    values: {
      stdin: {
        bytes: (async function* () {
          yield await Promise.resolve(Buffer.from(CANARY));
        })(),
      },
      readPath,
      readVariable: () => undefined,
    },
    openCluster: (options) => openCluster(options, env),
    clientVersion: '0.1.0',
  });
  return { code, ...written };
}

test('1 MiB goes through the tunnel whole', async (t) => {
  const { safe, env } = await startFakeSotto(t);
  const path = join(tempDir(t), 'big');
  writeFileSync(path, Buffer.alloc(1_048_573, 7));
  const { code, err } = await kubectlSotto(['put', 'new', `--from-file=big=${path}`], env);
  assert.deepEqual([code, err], [0, '']);
  const { data } = JSON.parse(safe.requests[1]?.body ?? '') as { data: { big: string } };
  assert.ok(Buffer.from(data.big, 'base64').equals(Buffer.alloc(1_048_573, 7)));
});

test('get, list and delete work as a user types them', async (t) => {
  const { env } = await startFakeSotto(t);
  const got = await kubectlSotto(['get', 'db', '-o', 'yaml'], env);
  assert.match(got.out, /^namespace: shop\nname: db\nversion: 3\n/);
  const listed = await kubectlSotto(['list', '-A'], env);
  assert.match(listed.out, /^NAMESPACE +NAME +VERSION/);
  const deleted = await kubectlSotto(['delete', 'db'], env);
  assert.equal(deleted.out, 'secret shop/db deleted\n');
  assert.deepEqual([got.code, listed.code, deleted.code], [0, 0, 0]);
});

test('every kind of failure has its exit code, an error on standard error, and nothing on standard output', async (t) => {
  const { env } = await startFakeSotto(t);
  const cases: readonly (readonly [number, RegExp, readonly string[], Record<string, string>?])[] = [
    [2, /^error: get needs the NAME of a secret/, ['get']],
    [2, /^error: the kubeconfig has no context of the name/, ['list', '--context', 'nope']],
    [3, /^error: secret shop\/new does not exist\n$/, ['get', 'new']],
    [3, /^error: secret shop\/new does not exist\n$/, ['delete', 'new']],
    [4, /^error: secret shop\/db also has password, user/, ['put', 'db', '--key', 'token']],
    [4, /^error: somebody else changed secret shop\/busy/, ['put', 'busy', '--key', 'a', '--replace']],
    [6, /^error: there is no kubeconfig/, ['list'], {}],
    [7, /^error: the secret is larger than 1048576 bytes/, ['put', 'new', '--from-file=k=/dev/zero']],
  ];
  for (const [expected, message, argv, environment = env] of cases) {
    const { code, out, err } = await kubectlSotto(argv, environment);
    assert.deepEqual([code, out], [expected, ''], argv.join(' '));
    assert.match(err, message);
    assert.doesNotMatch(err, /Canary/);
  }
});

test('a right that is missing at the API server ends with 5, and with the Role that gives it', async (t) => {
  const path = 'POST /api/v1/namespaces/sotto-system/serviceaccounts/sotto-admin/token';
  const { env } = await startFakeSotto(t, {
    changes: { [path]: { status: 403, body: { kind: 'Status', code: 403 } } },
  });
  const { code, err } = await kubectlSotto(['list'], env);
  assert.equal(code, 5);
  assert.match(
    err,
    /^error: you may not create serviceaccounts\/token sotto-admin in namespace sotto-system\. .*Role sotto-administrator/,
  );
});

test('a port-forward that is refused ends with 5 when the right is missing, and with 6 when it is not', async (t) => {
  const review = (allowed: boolean) => ({
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
      status: 201,
      body: { status: { allowed } },
    },
  });
  const refusePortForward = { refusePortForward: true };
  const without = await startFakeSotto(t, { ...refusePortForward, changes: review(false) });
  const missing = await kubectlSotto(['list'], without.env);
  assert.equal(missing.code, 5);
  assert.match(
    missing.err,
    /^error: you may not get pods\/portforward in namespace sotto-system\. .*Role sotto-cli/,
  );
  const having = await startFakeSotto(t, { ...refusePortForward, changes: review(true) });
  const broken = await kubectlSotto(['list'], having.env);
  assert.equal(broken.code, 6);
  assert.match(broken.err, /^error: the API server opens no port-forward to pod sotto-safe-0/);
});

test('a Safe whose certificate is not trusted gets no request', async (t) => {
  const stranger = await createTestAuthority();
  const { safe, env } = await startFakeSotto(t, { trustBundle: stranger.ca });
  const { code, err } = await kubectlSotto(['delete', 'db'], env);
  assert.equal(code, 6);
  assert.match(
    err,
    /^error: the certificate that Safe shows is not trusted \([A-Z_]+\), so nothing was sent\. It must/,
  );
  assert.equal(safe.requests.length, 0);
});

test('a pod in which nobody listens is told as such', async (t) => {
  const { env } = await startFakeSotto(t, { safePort: undefined });
  const { code, err } = await kubectlSotto(['list'], env);
  assert.equal(code, 6);
  assert.match(err, /^error: the Safe pod accepts no connection: it is starting, stopping or stuck/);
});

test('a cluster without Sotto is told as such', async (t) => {
  const missing = { status: 404, body: { kind: 'Status', code: 404 } };
  const system = '/api/v1/namespaces/sotto-system';
  const { env } = await startFakeSotto(t, {
    changes: {
      [`POST ${system}/serviceaccounts/sotto-admin/token`]: missing,
      [`GET ${system}/configmaps/sotto-trust-bundle`]: missing,
      [`GET ${system}/pods`]: { status: 200, body: { items: [] } },
    },
  });
  const { code, err } = await kubectlSotto(['list'], env);
  assert.equal(code, 6);
  assert.match(err, /^error: Sotto is not installed in this cluster \(context test\)/);
});

test('a sentence that ends with a question gets no full stop after it', async (t) => {
  const { env } = await startFakeSotto(t, {
    changes: { 'GET /api/v1/namespaces/sotto-system/pods': { status: 200, body: { items: [] } } },
  });
  const { err } = await kubectlSotto(['list'], env);
  assert.equal(
    err,
    'error: there is no Safe pod in sotto-system: is its StatefulSet scaled to 0? kubectl sotto status says more\n',
  );
});

test('an API server that is not there, or does not answer in time, is told as such', async (t) => {
  const { api, env } = await startFakeSotto(t);
  const config = readFileSync(api.kubeconfig, 'utf8');
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  writeFileSync(api.kubeconfig, config.replace(/localhost:\d+/, `localhost:${port}`));
  const slow = await kubectlSotto(['list', '--request-timeout', '1s'], env);
  silent.close();
  for (const socket of sockets) socket.destroy();
  await once(silent, 'close');
  const gone = await kubectlSotto(['list'], env);
  assert.deepEqual([slow.code, gone.code], [6, 6]);
  assert.match(slow.err, /^error: the API server cannot be reached \(TimeoutError\)/);
  assert.match(gone.err, /^error: the API server cannot be reached \(ECONNREFUSED\)/);
});

test('a value in the wrong place is refused and repeated nowhere', async (t) => {
  const { safe, env } = await startFakeSotto(t);
  const file = join(tempDir(t), 'env');
  writeFileSync(file, `A=1\nexport B=${CANARY}\n`);
  const attempts: readonly (readonly string[])[] = [
    ['put', 'new', CANARY],
    ['put', 'new', `--from-literal=password=${CANARY}`],
    ['put', 'new', `--${CANARY}`],
    ['put', 'new', '--key', `${CANARY}!`],
    ['put', 'new', `--from-file=${CANARY}`],
    ['put', 'new', `--from-file=password=${CANARY}`],
    ['put', 'new', `--from-env-file=${file}`],
    ['put', 'new', '--key', 'a', '--reader', `${CANARY}!`],
    ['put', `new=${CANARY}`],
    [CANARY],
  ];
  for (const argv of attempts) {
    const { code, out, err } = await kubectlSotto(argv, env);
    assert.equal(code, 2, argv.join(' '));
    assert.doesNotMatch(out + err, /Canary/);
  }
  assert.equal(safe.requests.length, 0);
});

test('status of a Sotto that is half there names each thing that is missing, and ends with 1', async (t) => {
  const { env } = await startFakeSotto(t);
  const { code, out, err } = await kubectlSotto(['status', '-o', 'json'], env);
  assert.equal(code, 1);
  assert.match(err, /^error: not healthy: .*webhook/);
  const { healthy, versions } = JSON.parse(out) as { healthy: boolean; versions: unknown };
  assert.deepEqual([healthy, versions], [false, { client: '0.1.0', kubernetes: 'v1.37.2' }]);
});

test('a mistake of ours is told by its class and place, never by its message', async (t) => {
  const { env } = await startFakeSotto(t);
  const written = { out: '', err: '' };
  const code = await run(['list'], {
    out: (text) => (written.out += text),
    err: (line) => (written.err += line),
    now: () => new Date(),
    values: { stdin: { bytes: (async function* () {})() }, readPath, readVariable: (name) => env[name] },
    openCluster: () => Promise.reject(new RangeError(CANARY)),
    clientVersion: '0.1.0',
  });
  assert.equal(code, 8);
  assert.match(
    written.err,
    /^error: this is a mistake of kubectl sotto itself, please report it \(RangeError at .*run\.test\.ts:\d+/,
  );
  assert.doesNotMatch(written.err, /Canary/);
});
