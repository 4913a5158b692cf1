import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WEBHOOK_HOST } from '../../shared/names.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { buildPod, buildReview } from './reviews.ts';
import { send } from './webhook-server.ts';

/** Those of `manifests/base/webhook.yaml`. */
const FLAGS = ['--disable-proto=delete', '--disable-sigusr1', '--no-addons'];
const MAIN = new URL('../../webhook/main.ts', import.meta.url).pathname;
const authority = await createTestAuthority();

interface Program {
  readonly process: ChildProcess;
  readonly output: () => string;
}

/** The program as it runs in its container: only the environment that its manifest gives it. */
function run(t: TestContext, env: Readonly<Record<string, string>>): Program {
  const child = spawn(process.execPath, [...FLAGS, MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { process: child, output: () => output };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition().catch(() => false))) {
    assert.ok(Date.now() < deadline, 'waited 15 s in vain');
    await delay(50);
  }
}

test('it waits for its certificate, serves, says when it goes, and still answers until it has gone', async (t) => {
  const directory = tempDir(t);
  const [port, probePort] = [await freePort(), await freePort()];
  const program = run(t, {
    SOTTO_IMAGE: 'registry.example/sotto:1',
    SOTTO_TLS_DIRECTORY: directory,
    SOTTO_PORT: String(port),
    SOTTO_PROBE_PORT: String(probePort),
  });
  const probe = async (path: string) => (await fetch(`http://127.0.0.1:${probePort}${path}`)).text();
  await until(
    async () => (await probe('/readyz')) === 'not ready: no certificate yet: tls.crt cannot be read\n',
  );
  assert.equal(await probe('/livez'), 'ok\n');

  const { cert, key } = await authority.issue({ dnsNames: [WEBHOOK_HOST] });
  writeFileSync(join(directory, 'tls.crt'), cert);
  writeFileSync(join(directory, 'tls.key'), key);
  writeFileSync(join(directory, 'ca.crt'), authority.ca);
  await until(async () => (await probe('/readyz')) === 'ok\n');

  const review = JSON.stringify(buildReview(buildPod({})));
  const answer = await send({ port, ca: authority.ca }, review);
  assert.equal(answer.status, 200);
  const patch = Buffer.from(
    (JSON.parse(answer.text) as { response: { patch: string } }).response.patch,
    'base64',
  );
  assert.match(patch.toString(), /"SOTTO_CA","value":"-----BEGIN CERTIFICATE-----/);
  assert.ok(!patch.toString().includes('PRIVATE KEY'));
  const metrics = await probe('/metrics');
  assert.match(metrics, /^sotto_admission_reviews_total\{decision="inject",reason="injected"\} 1$/m);
  assert.match(metrics, /^sotto_certificate_expiry_timestamp_seconds \d{10}$/m);

  program.process.kill('SIGTERM');
  await until(async () => (await probe('/readyz')) === 'not ready: shutting down\n');
  assert.equal((await send({ port, ca: authority.ca }, review)).headers['connection'], 'close');
  const [code, signal] = (await once(program.process, 'exit')) as [number | null, string | null];
  assert.deepEqual([code, signal], [0, null], program.output());
  for (const event of ['certificate_refused', 'certificate_loaded', 'reviewed', 'stopped']) {
    assert.ok(program.output().includes(`"event":"${event}"`), event);
  }
  assert.ok(!program.output().includes('PRIVATE'));
});

test('it stops at once when it is told to before it has a certificate', async (t) => {
  const probePort = await freePort();
  const program = run(t, {
    SOTTO_IMAGE: 'registry.example/sotto:1',
    SOTTO_TLS_DIRECTORY: tempDir(t),
    SOTTO_PORT: String(await freePort()),
    SOTTO_PROBE_PORT: String(probePort),
  });
  await until(async () => (await fetch(`http://127.0.0.1:${probePort}/readyz`)).status === 503);
  const start = Date.now();
  program.process.kill('SIGTERM');
  assert.deepEqual(await once(program.process, 'exit'), [0, null]);
  assert.ok(Date.now() - start < 3_000);
});

test('a configuration that cannot be read ends it with one line that names every variable and repeats no value', async (t) => {
  const program = run(t, { SOTTO_PORT: 'canary', SOTTO_IMAGES: 'canary' });
  assert.deepEqual(await once(program.process, 'exit'), [1, null]);
  const lines = program.output().trim().split('\n');
  assert.equal(lines.length, 1, program.output());
  assert.match(
    lines[0] ?? '',
    /SOTTO_IMAGE is missing; SOTTO_PORT must be a port, 1 to 65535; SOTTO_IMAGES is not a known field/,
  );
  assert.ok(!program.output().includes('canary'));
});
