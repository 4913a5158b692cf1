import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome, Question } from '../../init-container/ask-safe.ts';
import type { Config } from '../../init-container/config.ts';
import { Failure } from '../../init-container/failure.ts';
import { fetchSecrets, type FetchPorts } from '../../init-container/fetch-secrets.ts';
import { buildAnswer } from './support/fake-safe.ts';
import { TOKEN } from './support/program.ts';

const CONFIG: Config = {
  safe: { host: 'safe', port: 8443 },
  ca: 'the ca',
  namespace: 'shop',
  secrets: [
    { namespace: 'shop', name: 'db' },
    { namespace: 'payments', name: 'stripe' },
  ],
  format: 'files',
  formats: new Map(),
  timeoutMs: 120_000,
};

const answer = (status: number, body = '', retryAfterMs = 0): Outcome => ({
  kind: 'answer',
  status,
  retryAfterMs,
  body: Buffer.from(body),
});
const GOOD = answer(200, buildAnswer({ 'shop/db': { a: '1' }, 'payments/stripe': { b: '2' } }));
const SILENCE: Outcome = { kind: 'unreachable', code: 'ECONNREFUSED' };

interface World extends FetchPorts {
  readonly questions: Question[];
  readonly pauses: number[];
  readonly lines: string[];
}

/** A world where time passes only in pauses and tries. `outcomes` are given one after the other, the last one for ever. */
function createWorld(
  outcomes: readonly Outcome[],
  { random = 0.5, tryMs = 0, token = () => TOKEN } = {},
): World {
  let now = 50;
  const questions: Question[] = [];
  const pauses: number[] = [];
  const lines: string[] = [];
  return {
    questions,
    pauses,
    lines,
    ask: (question) => {
      questions.push(question);
      now += Math.min(tryMs, question.timeoutMs);
      return Promise.resolve(outcomes[Math.min(questions.length, outcomes.length) - 1] ?? SILENCE);
    },
    readToken: token,
    elapsedMs: () => now,
    sleep: (ms) => {
      pauses.push(ms);
      now += ms;
      return Promise.resolve();
    },
    random: () => random,
    log: (level, event, { reason } = {}) => lines.push(`${level} ${event} ${String(reason)}`),
  };
}

test('the first try is made at once, names what is wanted, and is the only one when it succeeds', async () => {
  const world = createWorld([GOOD]);
  assert.equal((await fetchSecrets(CONFIG, world)).length, 2);
  assert.deepEqual(world.questions, [
    {
      host: 'safe',
      port: 8443,
      ca: 'the ca',
      path: '/v1/secrets?name=db&name=payments%2Fstripe',
      token: TOKEN,
      timeoutMs: 10_000,
    },
  ]);
  assert.deepEqual([world.pauses, world.lines], [[], []]);
});

test('no names are sent by a pod that wants all it may read', async () => {
  const world = createWorld([GOOD]);
  await fetchSecrets({ ...CONFIG, secrets: [] }, world);
  assert.equal(world.questions[0]?.path, '/v1/secrets');
});

test('pauses double from 0.2 s to 5 s and are jittered over their whole length', async () => {
  const highest = createWorld([...Array<Outcome>(8).fill(SILENCE), GOOD], { random: 1 });
  await fetchSecrets(CONFIG, highest);
  assert.deepEqual(highest.pauses, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  const lowest = createWorld([SILENCE, SILENCE, GOOD], { random: 0 });
  await fetchSecrets(CONFIG, lowest);
  assert.deepEqual(lowest.pauses, [0, 0]);
});

test('what Safe asks to wait for is added to the pause, up to 30 s', async () => {
  const world = createWorld([answer(503, '', 2000), answer(429, '', 3_600_000), GOOD], { random: 1 });
  await fetchSecrets(CONFIG, world);
  assert.deepEqual(world.pauses, [2200, 30_400]);
});

test('the token is read for each try', async () => {
  let reads = 0;
  const world = createWorld([answer(401), GOOD], { token: () => `token-${++reads}` });
  await fetchSecrets(CONFIG, world);
  assert.deepEqual(
    world.questions.map(({ token }) => token),
    ['token-1', 'token-2'],
  );
});

test('it gives up at the deadline and not before, and says how often it tried', async () => {
  const world = createWorld([SILENCE]);
  await assert.rejects(fetchSecrets(CONFIG, world), ({ reason, message }: Failure) => {
    assert.equal(reason, 'safe_unreachable');
    assert.match(message, /ECONNREFUSED.* \(tried \d\d times in 118 s\)$/);
    return true;
  });
  assert.equal(world.elapsedMs(), 118_000);
  assert.equal(world.questions.at(-1)?.timeoutMs, 2000);
});

test('a Safe that never answers is given 10 s for each try and, in the end, what is left', async () => {
  const world = createWorld([{ kind: 'unreachable', code: 'timed out' }], { tryMs: Infinity });
  await assert.rejects(fetchSecrets({ ...CONFIG, timeoutMs: 25_000 }, world), { message: /timed out/ });
  assert.ok(world.questions.every(({ timeoutMs }) => timeoutMs <= 10_000));
  assert.ok(world.elapsedMs() <= 25_000 && world.elapsedMs() >= 23_000);
});

test('a pod that has no time left when it starts tries once, and gives Safe 2 s', async () => {
  const world = createWorld([SILENCE]);
  await assert.rejects(fetchSecrets({ ...CONFIG, timeoutMs: 1 }, world), { reason: 'safe_unreachable' });
  assert.deepEqual(
    world.questions.map(({ timeoutMs }) => timeoutMs),
    [2000],
  );
});

test('each distinct obstacle is logged once, not each try', async () => {
  const world = createWorld([SILENCE, SILENCE, answer(404), answer(404), SILENCE, answer(503), GOOD]);
  await fetchSecrets(CONFIG, world);
  assert.deepEqual(world.lines, [
    'warn secrets_not_received safe_unreachable',
    'warn secrets_not_received secret_missing',
    'warn secrets_not_received safe_unavailable',
  ]);
});

test('what cannot get better by itself ends it at once', async () => {
  const world = createWorld([answer(400), GOOD]);
  await assert.rejects(fetchSecrets(CONFIG, world), ({ message }: Failure) => !message.includes('tried'));
  assert.equal(world.questions.length, 1);
  const token = (): never => {
    throw new Failure('token_unreadable', '');
  };
  await assert.rejects(fetchSecrets(CONFIG, createWorld([GOOD], { token })), { reason: 'token_unreadable' });
});

test('an answer that cannot be used is asked for again', async () => {
  const world = createWorld([
    answer(200, '{"secrets":[]'),
    answer(200, buildAnswer({ 'shop/db': {} })),
    GOOD,
  ]);
  assert.equal((await fetchSecrets(CONFIG, world)).length, 2);
});

test('a bug is not retried', async () => {
  const world = { ...createWorld([]), ask: () => Promise.reject(new TypeError('a bug')) };
  await assert.rejects(fetchSecrets(CONFIG, world), TypeError);
});
