import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startFakeSotto } from './support/fake-sotto.ts';

const CANARY = 'Canary-7f3a91';
const MAIN = join(import.meta.dirname, '../../cli/main.ts');

/** Importing the Kubernetes client takes half a second each time; this is Node's own way to make that less. */
const compileCache = mkdtempSync(join(tmpdir(), 'sotto-test-'));
after(() => {
  rmSync(compileCache, { recursive: true, force: true });
});

const start = (argv: readonly string[], env: Readonly<Record<string, string>>) =>
  spawn(process.execPath, [MAIN, ...argv], { env: { NODE_COMPILE_CACHE: compileCache, ...env } });

/** Runs `kubectl sotto` as a user does, with nothing of this process' environment. */
async function kubectlSotto(
  argv: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(argv, env);
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text));
  child.stdin.on('error', () => undefined); // it may end before it reads
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...written };
}

test('a secret goes from standard input through the tunnel to Safe, and appears nowhere else', async (t) => {
  const { api, safe, env } = await startFakeSotto(t);
  const argv = ['put', 'new', '--key', 'password', '--reader', 'api'];
  const { code, out, err } = await kubectlSotto(argv, CANARY, env);
  assert.deepEqual({ code, out, err }, { code: 0, out: 'secret shop/new created, version 1\n', err: '' });
  assert.deepEqual(
    safe.requests.map(({ line }) => line),
    ['GET /v1/namespaces/shop/secrets/new', 'PUT /v1/namespaces/shop/secrets/new'],
  );
  assert.deepEqual(JSON.parse(safe.requests[1]?.body ?? ''), {
    data: { password: Buffer.from(CANARY).toString('base64') },
    readers: [{ serviceAccount: 'api' }],
  });
  assert.equal(safe.requests[1]?.headers.authorization, 'Bearer T0ken');
  assert.ok(api.requests.includes('GET /api/v1/namespaces/sotto-system/pods/sotto-safe-0/portforward'));
});

test('no environment variable turns off the verification of Safe', async (t) => {
  const stranger = await createTestAuthority();
  const { safe, env } = await startFakeSotto(t, { trustBundle: stranger.ca });
  const insecure = { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const { code, err } = await kubectlSotto(['put', 'new', '--key', 'a'], CANARY, insecure);
  assert.equal(code, 6);
  assert.match(err, /^error: the certificate that Safe shows is not trusted/);
  assert.equal(safe.requests.length, 0);
});

test('no environment variable turns off the verification of the API server', async (t) => {
  const { api, env } = await startFakeSotto(t);
  const stranger = await createTestAuthority();
  const config = readFileSync(api.kubeconfig, 'utf8').replace(
    /"certificate-authority-data":"[^"]*"/,
    `"certificate-authority-data":"${Buffer.from(stranger.ca).toString('base64')}"`,
  );
  writeFileSync(api.kubeconfig, config);
  const { code, err } = await kubectlSotto(['list'], '', { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  assert.equal(code, 6);
  assert.match(err, /^error: the API server cannot be reached \([A-Z_]*(?:CERT|SIGNATURE|ISSUER)[A-Z_]*\)/);
  assert.deepEqual(api.requests, []);
});

test('a value given as an argument ends with 2 and is repeated on neither output', async () => {
  const { code, out, err } = await kubectlSotto(['put', 'db', CANARY]);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^error: put takes one NAME and nothing after it: a value is never given as an argument/);
  assert.doesNotMatch(err, /Canary/);
});

test('help and version need no cluster', async () => {
  const help = await kubectlSotto(['--help']);
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /^Usage: kubectl sotto COMMAND/);
  assert.deepEqual(await kubectlSotto(['version']), { code: 0, out: 'kubectl-sotto 0.1.0\n', err: '' });
});

test('a reader that stops reading, as head does, ends it quietly', async () => {
  const child = start(['--help'], {});
  child.stdout.destroy();
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  await once(child, 'close');
  assert.equal(err, '');
});
