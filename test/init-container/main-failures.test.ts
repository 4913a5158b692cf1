import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT_CODES, type Reason } from '../../init-container/failure.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { answerWith, buildAnswer, serveFakeSafe } from './support/fake-safe.ts';
import { createPod } from './support/program.ts';
import { ANSWER, CANARY, checkFailure, program, runProgram, serve } from './support/scenario.ts';

const soon = { timeoutMs: 1000 };

test('a secret that is missing until the end is said with who has to do what', async () => {
  const safe = await serve(answerWith('', Array<number>(100).fill(404)));
  checkFailure(
    await runProgram(safe.port, { changes: soon }),
    'secret_missing',
    /^secret shop\/db does not exist or service account shop\/api is not among its readers; an administrator of shop has to store it or add the reader \(tried once in \d+ s\)$/,
  );
});

const STATUSES: readonly (readonly [number, Reason])[] = [
  [400, 'request_refused'],
  [401, 'token_refused'],
  [403, 'request_refused'],
  [413, 'request_refused'],
  [429, 'safe_unavailable'],
  [500, 'safe_unavailable'],
  [302, 'answer_invalid'],
];

for (const [status, reason] of STATUSES) {
  test(`a Safe that answers ${status} until the end is ${reason}`, async () => {
    const safe = await serve(answerWith('', Array<number>(100).fill(status)));
    checkFailure(
      await runProgram(safe.port, { changes: soon }),
      reason,
      new RegExp(`${status}.*; whoever runs Sotto has to`),
    );
  });
}

test('an answer that cannot be used is called that and not quoted', async () => {
  for (const body of [
    `{"${CANARY}`,
    `{"secrets":[{"name":"${CANARY}"}]}`,
    ANSWER.replace('=', '!'),
    buildAnswer({ other: { a: CANARY } }),
  ]) {
    const safe = await serve(answerWith(body));
    checkFailure(
      await runProgram(safe.port, { changes: soon }),
      'answer_invalid',
      /^Safe's answer cannot be used: /,
    );
  }
});

test('an answer of more than 8 MiB is refused at once', async () => {
  const safe = await serve(answerWith(' '.repeat(9 * 1024 * 1024)));
  checkFailure(
    await runProgram(safe.port),
    'answer_invalid',
    /larger than 8388608 bytes; the owner of the pod has to/,
  );
});

test('a Safe that nobody should trust gets nothing, and the reason is named', async () => {
  const stranger = await createTestAuthority('CN=stranger');
  const safe = await serveFakeSafe(await stranger.issue({ dnsNames: ['localhost'] }), answerWith(ANSWER));
  checkFailure(
    await runProgram(safe.port, { changes: soon }),
    'certificate_not_trusted',
    /not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\), so no token was sent/,
  );
  assert.equal(safe.received(), '');
});

test('a Safe that is not there, never answers or has no name are three reasons', async () => {
  const silent = await serve(() => undefined);
  checkFailure(
    await runProgram(silent.port, { changes: soon }),
    'safe_unreachable',
    /\(timed out\); whoever runs Sotto/,
  );
  checkFailure(
    await runProgram(1, { changes: soon }),
    'safe_unreachable',
    /cannot be reached at localhost:1 \(ECONNREFUSED\)/,
  );
  const nowhere = { safe: { host: 'sotto-safe.invalid', port: 1 }, ...soon };
  checkFailure(
    await runProgram(1, { changes: nowhere }),
    'dns_failed',
    /sotto-safe\.invalid cannot be resolved/,
  );
});

test('a value that the format cannot hold stops it before a single file appears', async () => {
  const safe = await serve(answerWith(buildAnswer({ db: { ok: CANARY, binary: Buffer.from([0xff]) } })));
  checkFailure(
    await runProgram(safe.port, { changes: { format: 'json' } }),
    'secret_not_representable',
    /secret shop\/db \(key binary\)/,
  );
});

test('a broken configuration and one of a newer release are told apart', async () => {
  const safe = await serve(answerWith(ANSWER));
  checkFailure(
    await runProgram(safe.port, { env: { SOTTO_CONFIG: '{' } }),
    'configuration_invalid',
    /^SOTTO_CONFIG is not JSON/,
  );
  checkFailure(
    await runProgram(safe.port, { env: { SOTTO_CONFIG: '{"version":2}' } }),
    'configuration_newer',
    /newer release of Sotto/,
  );
  assert.equal(safe.requests.length, 0);
});

test('an environment that could show the secrets is refused before anything is asked', async () => {
  const safe = await serve(answerWith(ANSWER));
  const insecure = await runProgram(safe.port, { env: { NODE_OPTIONS: '--no-warnings' } });
  checkFailure(insecure, 'environment_refused', /^environment variable NODE_OPTIONS/);
  const options = { flags: ['--disable-sigusr1', '--tls-keylog=./keys'] };
  checkFailure(await runProgram(safe.port, { options }), 'environment_refused', /^flag --tls-keylog is set/);
  assert.equal(safe.requests.length, 0);
});

test('a token that is not there is said at once', async () => {
  const safe = await serve(answerWith(ANSWER));
  const pod = createPod(program);
  rmSync(join(pod.directory, 'token/token'));
  checkFailure(
    await runProgram(safe.port, { pod }),
    'token_unreadable',
    /cannot be read \(ENOENT\); whoever runs Sotto/,
  );
});

test('a volume that is not there is said before anything is asked', async () => {
  const safe = await serve(answerWith(ANSWER));
  const pod = createPod(program);
  rmSync(pod.secrets, { recursive: true });
  const { code, terminationMessage } = await runProgram(safe.port, { pod });
  assert.equal(code, EXIT_CODES.volume_not_writable);
  assert.match(terminationMessage, /ENOENT/);
  assert.equal(safe.requests.length, 0);
});
