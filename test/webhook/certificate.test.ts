import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { WEBHOOK_HOST } from '../../shared/names.ts';
import type { KeyPair } from '../../shared/serve.ts';
import {
  createCertificateFollower,
  parseCertificate,
  readCertificateFiles,
  type CertificateFollower,
} from '../../webhook/certificate.ts';
import { createWebhookServer } from '../../webhook/serve.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { send } from './webhook-server.ts';

const authority = await createTestAuthority();
const issue = (lifetime: { notBefore?: Date; notAfter?: Date } = {}) =>
  authority.issue({ dnsNames: [WEBHOOK_HOST], ...lifetime });
const HOUR_MS = 3_600_000;
const POLL_MS = 10;

const files = (pair: KeyPair, ca = authority.ca) => ({ ...pair, ca });
const parse = (input: Parameters<typeof parseCertificate>[0]) => parseCertificate(input, Date.now());

test('a pair that fits is taken, with the time it expires', async () => {
  const pair = await issue();
  const { keyPair, ca, expiresAtMs } = parse(files(pair));
  assert.deepEqual(keyPair, pair);
  assert.equal(ca.trim(), authority.ca.trim());
  assert.ok(expiresAtMs > Date.now() && expiresAtMs < Date.now() + 2 * HOUR_MS);
});

test('what cannot serve is refused with the name of the file, and nothing of its content', async () => {
  const pair = await issue();
  const other = await issue();
  const expired = await issue({
    notBefore: new Date(Date.now() - 2 * HOUR_MS),
    notAfter: new Date(Date.now() - HOUR_MS),
  });
  const cases: [Parameters<typeof parseCertificate>[0], string][] = [
    [{ cert: '', key: '', ca: '' }, 'tls.crt is not a certificate in PEM'],
    [{ ...files(pair), cert: pair.cert.slice(0, 200) }, 'tls.crt is not a certificate in PEM'],
    [{ ...files(pair), cert: pair.key }, 'tls.crt is not a certificate in PEM'],
    [{ ...files(pair), key: '' }, 'tls.key is not a private key in PEM'],
    [{ ...files(pair), key: pair.key.slice(0, 60) }, 'tls.key is not a private key in PEM'],
    [{ ...files(pair), key: pair.cert }, 'tls.key is not a private key in PEM'],
    [{ ...files(pair), key: other.key }, 'tls.key is not the key of tls.crt'],
    [
      {
        ...files(pair),
        cert: `${pair.cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      },
      'tls.crt cannot be served',
    ],
    [files(expired), 'tls.crt has expired'],
    [files(pair, ''), 'ca.crt holds no certificate in PEM'],
    [files(pair, authority.ca.slice(0, 100)), 'ca.crt holds no certificate in PEM'],
    [
      files(pair, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      'ca.crt has a broken certificate',
    ],
    [files(pair, authority.ca.repeat(200)), 'ca.crt holds more than 65536 characters of certificates'],
  ];
  for (const [input, message] of cases)
    assert.throws(() => parse(input), { name: 'CertificateError', message });
});

test('only certificates of ca.crt go into pods, whatever else somebody put there', async () => {
  const pair = await issue();
  const { ca } = parse(files(pair, `# my CA\n${authority.ca}\n${pair.key}\n${authority.ca}`));
  assert.equal(ca.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(!ca.includes('PRIVATE KEY'));
  assert.ok(!ca.includes('my CA'));
});

/** A Secret as the kubelet mounts it: the files are links through `..data`, which one rename replaces. */
function createMount(t: TestContext): { directory: string; replace: (pair: KeyPair, ca?: string) => void } {
  const directory = tempDir(t);
  let generation = 0;
  return {
    directory,
    replace: (pair, ca = authority.ca) => {
      const name = `..${++generation}`;
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'tls.crt'), pair.cert);
      writeFileSync(join(directory, name, 'tls.key'), pair.key);
      writeFileSync(join(directory, name, 'ca.crt'), ca);
      symlinkSync(name, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
      if (generation > 1) rmSync(join(directory, `..${generation - 1}`), { recursive: true });
      else
        for (const file of ['tls.crt', 'tls.key', 'ca.crt'])
          symlinkSync(`..data/${file}`, join(directory, file));
    },
  };
}

interface Followed {
  readonly follower: CertificateFollower;
  readonly lines: string[];
  /** Resolves once a certificate is there. */
  readonly port: () => Promise<number>;
}

/** Serves with what is in `directory`. */
function follow(t: TestContext, directory: string, nowMs: () => number = Date.now): Followed {
  const lines: string[] = [];
  const follower = createCertificateFollower({
    read: () => readCertificateFiles(directory),
    nowMs,
    log: (level, event, fields) => lines.push(JSON.stringify({ level, event, ...fields })),
    pollMs: POLL_MS,
  });
  const stop = new AbortController();
  const server = createWebhookServer({
    port: 0,
    host: '127.0.0.1',
    certificates: follower,
    onCertificate: () => undefined,
    stop: stop.signal,
    drainMs: 0,
  });
  const running = server.run((_, response) => response.end('ok'));
  t.after(() => {
    stop.abort();
    return running;
  });
  const port = async () => {
    await until(() => server.port() !== undefined);
    return server.port() ?? 0;
  };
  return { follower, lines, port };
}

async function serialOf(port: number): Promise<string> {
  return (await send({ port, ca: authority.ca }, '')).peer.serialNumber;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'waited 5 s in vain');
    await delay(POLL_MS);
  }
}

test('without files it waits, says so, and serves as soon as they are there', async (t) => {
  const { directory, replace } = createMount(t);
  const { follower, lines, port } = follow(t, directory);
  await until(() => follower.notReady() === 'no certificate yet: tls.crt cannot be read');
  await delay(5 * POLL_MS);
  assert.deepEqual(lines, [
    '{"level":"warn","event":"certificate_refused","reason":"tls.crt cannot be read"}',
  ]);
  replace(await issue());
  assert.match(await serialOf(await port()), /^[0-9A-F]+$/);
  assert.equal(follower.notReady(), undefined);
});

test('a certificate that was replaced is served to new connections, without a restart', async (t) => {
  const { directory, replace } = createMount(t);
  replace(await issue());
  const { port, lines } = follow(t, directory);
  const first = await serialOf(await port());
  for (let round = 0; round < 3; round++) {
    const before = await serialOf(await port());
    replace(await issue());
    await until(async () => (await serialOf(await port())) !== before);
  }
  assert.notEqual(await serialOf(await port()), first);
  assert.equal(lines.filter((line) => line.includes('certificate_loaded')).length, 4);
});

test('a pair that does not fit leaves the last good one serving, and is said once', async (t) => {
  const { directory, replace } = createMount(t);
  const good = await issue();
  replace(good);
  const { follower, port, lines } = follow(t, directory);
  const serial = await serialOf(await port());
  replace({ cert: (await issue()).cert, key: good.key });
  await until(() => lines.some((line) => line.includes('tls.key is not the key of tls.crt')));
  await delay(5 * POLL_MS);
  assert.equal(await serialOf(await port()), serial);
  assert.equal(follower.notReady(), undefined);
  assert.equal(lines.filter((line) => line.includes('refused')).length, 1);
  replace(await issue());
  await until(async () => (await serialOf(await port())) !== serial);
});

test('a file that is only half written is waited for', async (t) => {
  const directory = tempDir(t);
  const [first, second] = [await issue(), await issue()];
  const write = ({ cert, key }: KeyPair) => {
    writeFileSync(join(directory, 'tls.crt'), cert);
    writeFileSync(join(directory, 'tls.key'), key);
    writeFileSync(join(directory, 'ca.crt'), authority.ca);
  };
  write(first);
  const { port, lines } = follow(t, directory);
  const serial = await serialOf(await port());
  write({ cert: second.cert.slice(0, second.cert.length / 2), key: second.key });
  await until(() => lines.some((line) => line.includes('certificate_refused')));
  assert.equal(await serialOf(await port()), serial);
  write(second);
  await until(async () => (await serialOf(await port())) !== serial);
});

test('files that disappear change nothing', async (t) => {
  const { directory, replace } = createMount(t);
  replace(await issue());
  const { follower, port, lines } = follow(t, directory);
  const serial = await serialOf(await port());
  rmSync(join(directory, '..data'));
  await until(() => lines.some((line) => line.includes('cannot be read')));
  assert.equal(await serialOf(await port()), serial);
  assert.equal(follower.notReady(), undefined);
});

test('a certificate that expires while it serves makes the webhook not ready', async (t) => {
  const { directory, replace } = createMount(t);
  replace(await issue());
  let now = Date.now();
  const { follower, port } = follow(t, directory, () => now);
  await port();
  assert.equal(follower.notReady(), undefined);
  now += 2 * HOUR_MS;
  assert.equal(follower.notReady(), 'the certificate has expired');
});

test('a new authority reaches new pods with the certificate', async (t) => {
  const { directory, replace } = createMount(t);
  replace(await issue());
  const follower = createCertificateFollower({
    read: () => readCertificateFiles(directory),
    nowMs: Date.now,
    log: () => undefined,
    pollMs: POLL_MS,
  });
  const changes = follower.changes(AbortSignal.timeout(5_000));
  assert.equal((await changes.next()).value?.ca.trim(), authority.ca.trim());
  const next = await createTestAuthority('CN=next');
  const pair = await issue();
  replace(pair, authority.ca + next.ca);
  const { value } = await changes.next();
  assert.equal(value?.ca.match(/BEGIN/g)?.length, 2);
});
