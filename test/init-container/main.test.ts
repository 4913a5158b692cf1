import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT_CODES } from '../../init-container/failure.ts';
import { answerWith, buildAnswer } from './support/fake-safe.ts';
import { createPod, TOKEN } from './support/program.ts';
import {
  ANSWER,
  buildEnv,
  CANARY,
  checkFailure,
  checkSilence,
  program,
  runProgram,
  serve,
} from './support/scenario.ts';
import { readTree } from './support/snapshot.ts';

test('the files appear, the log says how many, and nothing else is said or changed', async () => {
  const safe = await serve(answerWith(ANSWER));
  const { code, stdout, terminationMessage, pod } = await runProgram(safe.port);
  assert.equal(code, 0);
  assert.deepEqual(readTree(pod.secrets), { 'db/password': CANARY, 'db/user': 'api' });
  assert.equal(terminationMessage, '');
  const { time, ...line } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(line, {
    level: 'info',
    program: 'sotto-init',
    secrets: 1,
    files: 2,
    event: 'files_written',
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a container that is run again leaves the same files and nothing old', async () => {
  const safe = await serve(answerWith(ANSWER));
  const { pod } = await runProgram(safe.port);
  const { code } = await runProgram(safe.port, { pod });
  assert.equal(code, 0);
  assert.deepEqual(readTree(pod.secrets), { 'db/password': CANARY, 'db/user': 'api' });
  assert.equal(readdirSync(pod.secrets).length, 3);
});

test('formats are as the configuration says', async () => {
  const safe = await serve(answerWith(buildAnswer({ db: { a: '1' }, 'payments/stripe': { b: '2' } })));
  const changes = {
    secrets: ['db', 'payments/stripe'],
    format: 'json',
    formats: { 'payments/stripe': 'files' },
  } as const;
  const { pod } = await runProgram(safe.port, { changes });
  assert.deepEqual(readTree(pod.secrets), { 'db.json': '{"a":"1"}\n', 'payments/stripe/b': '2' });
});

test('whatever Safe says at first, a pod gets its secrets once it can', async () => {
  const safe = await serve(answerWith(ANSWER, [503, 404, 404, 401, 403]));
  const { code, stdout, pod } = await runProgram(safe.port);
  assert.equal(code, 0);
  assert.equal(readTree(pod.secrets)['db/password'], CANARY);
  const reasons = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { reason?: string }).reason);
  assert.deepEqual(reasons, [
    'safe_unavailable',
    'secret_missing',
    'token_refused',
    'request_refused',
    undefined,
  ]);
});

test('a secret of 1 MiB and one hundred keys arrive whole', async () => {
  const big = Buffer.alloc(1024 * 1024, 0xa5);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key-${index}`, String(index)]));
  const safe = await serve(answerWith(buildAnswer({ big: { bytes: big }, many })));
  const { pod } = await runProgram(safe.port, { changes: { secrets: [] } });
  const tree = readTree(pod.secrets);
  assert.equal(Object.keys(tree).length, 101);
  assert.equal(tree['big/bytes'], big.toString('latin1'));
});

test('SIGTERM ends it at once, whatever it waits for', async () => {
  const waits = [await serve(() => undefined), await serve(answerWith('', Array<number>(100).fill(503)))];
  for (const safe of waits) {
    const pod = createPod(program);
    const running = pod.start(buildEnv(safe.port));
    while (safe.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const start = performance.now();
    running.kill('SIGTERM');
    const ended = await running.ended;
    assert.ok(performance.now() - start < 2000);
    checkFailure(
      { ...ended, pod },
      'stopped',
      /^stopped from outside \(SIGTERM\) before the secrets were there$/,
    );
  }
});

test('SIGUSR1 opens no inspector, and nothing of a secret is in its environment', async () => {
  let finish = (): void => undefined;
  const safe = await serve((_request, response) => {
    response.write(ANSWER.slice(0, -1));
    finish = () => response.end(ANSWER.slice(-1));
  });
  const running = createPod(program).start(buildEnv(safe.port));
  while (safe.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  running.kill('SIGUSR1');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const environ = readFileSync(`/proc/${running.pid}/environ`, 'latin1');
  finish();
  const ended = await running.ended;
  assert.equal(ended.code, 0);
  checkSilence(ended); // Node would say "Debugger listening" on standard error
  assert.ok(environ.includes('SOTTO_CONFIG='));
  for (const word of [CANARY, TOKEN]) assert.ok(!environ.includes(word));
});

test('a message that cannot be left behind and a log that nobody reads change no exit code', async () => {
  const safe = await serve(answerWith(ANSWER));
  const pod = createPod(program);
  const log = join(pod.directory, 'termination-log');
  rmSync(log);
  symlinkSync('/dev/full', log);
  const env = { SOTTO_CONFIG: '{' };
  assert.equal(
    (await pod.start({ ...buildEnv(safe.port), ...env }).ended).code,
    EXIT_CODES.configuration_invalid,
  );
  rmSync(log);
  const wrapper = ['/bin/sh', '-c', 'exec "$@" >/dev/full', 'sh'];
  writeFileSync(log, '');
  const ended = await pod.start(buildEnv(safe.port), { wrapper }).ended;
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
});

test('it runs from its source as well', async () => {
  const source = join(import.meta.dirname, '../../init-container/main.ts');
  const { code, stdout } = await createPod(source).start({}).ended;
  assert.equal(code, EXIT_CODES.configuration_invalid);
  assert.match(stdout, /SOTTO_CONFIG is missing/);
});
