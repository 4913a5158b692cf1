import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../init-container/ask-safe.ts';
import type { Config } from '../../init-container/config.ts';
import type { Failure } from '../../init-container/failure.ts';
import { judge } from '../../init-container/judge.ts';
import { buildAnswer } from './support/fake-safe.ts';

const DB = { namespace: 'shop', name: 'db' };
const STRIPE = { namespace: 'payments', name: 'stripe' };
const BEARER = 'service account shop/api';

const config = (secrets = [DB]): Config => ({
  safe: { host: 'sotto-safe.sotto-system.svc', port: 8443 },
  ca: '',
  namespace: 'shop',
  secrets,
  format: 'files',
  formats: new Map(),
  timeoutMs: 1000,
});

const answer = (status: number, body = ''): Outcome => ({
  kind: 'answer',
  status,
  retryAfterMs: 0,
  body: Buffer.from(body),
});
const error = (message: string) => JSON.stringify({ error: { code: 'not_found', message } });

function refuse(outcome: Outcome, secrets = [DB]): Pick<Failure, 'reason' | 'message' | 'mayPass'> {
  try {
    judge(outcome, config(secrets), BEARER);
  } catch (failure) {
    const { reason, message, mayPass } = failure as Failure;
    return { reason, message, mayPass };
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

test('a good answer gives the secrets', () => {
  const [db] = judge(answer(200, buildAnswer({ db: { password: 'x' } })), config(), BEARER);
  assert.equal(db?.name, 'db');
});

test('a secret that is missing or not ours is said in one sentence that is true of both', () => {
  assert.deepEqual(refuse(answer(404, error('whatever'))), {
    reason: 'secret_missing',
    message:
      'secret shop/db does not exist or service account shop/api is not among its readers; ' +
      'an administrator of shop has to store it or add the reader',
    mayPass: true,
  });
});

test('of several secrets the ones that Safe names are named', () => {
  const said = 'secret payments/stripe does not exist, or service account shop/api is not among the readers';
  assert.equal(
    refuse(answer(404, error(said)), [DB, STRIPE]).message,
    `${said}; an administrator of shop or payments has to store it or add the reader`,
  );
  assert.equal(
    refuse(answer(404, 'no JSON'), [DB, STRIPE]).message,
    'one of the secrets shop/db, payments/stripe does not exist or service account shop/api is not among its readers; ' +
      'an administrator of shop or payments has to store it or add the reader',
  );
});

test('a pod that asked for everything and may read nothing does not start without', () => {
  for (const outcome of [answer(404), answer(200, '{"revision":"r","secrets":[]}')]) {
    const { reason, message, mayPass } = refuse(outcome, []);
    assert.equal(reason, 'secret_missing');
    assert.match(message, /^no secret has service account shop\/api among its readers; an administrator/);
    assert.ok(mayPass);
  }
});

const STATUSES: readonly (readonly [number, Failure['reason'], boolean])[] = [
  [301, 'answer_invalid', true],
  [204, 'answer_invalid', true],
  [400, 'request_refused', false],
  [401, 'token_refused', true],
  [403, 'request_refused', true],
  [405, 'request_refused', false],
  [408, 'request_refused', true],
  [413, 'request_refused', false],
  [415, 'request_refused', false],
  [429, 'safe_unavailable', true],
  [500, 'safe_unavailable', true],
  [503, 'safe_unavailable', true],
];

for (const [status, reason, mayPass] of STATUSES) {
  test(`${status} is ${reason} and ${mayPass ? 'may pass' : 'will not get better by itself'}`, () => {
    const failure = refuse(answer(status, error('the reason')));
    assert.deepEqual([failure.reason, failure.mayPass], [reason, mayPass]);
    assert.match(failure.message, new RegExp(`${status}.*; whoever runs Sotto has to`));
    if (status >= 400) assert.match(failure.message, /: the reason\)/);
  });
}

test('what Safe says is quoted in plain letters and not at length', () => {
  const { message } = refuse(answer(503, error(`\x1b[2J\nbad\u202e${'x'.repeat(1000)}`)));
  assert.match(message, /\(503: \?\[2J\?bad\?x{291}\)/);
});

test('an answer of another make is not quoted', () => {
  for (const body of [
    '<html>hunter2',
    '"hunter2"',
    '{"error":"hunter2"}',
    '{"error":{"message":{"a":"hunter2"}}}',
    'null',
  ]) {
    assert.match(refuse(answer(503, body)).message, /^Safe cannot answer now \(503\);/);
  }
});

test('silence is explained by where it began', () => {
  const { reason, message } = refuse({ kind: 'name_unknown', code: 'ENOTFOUND' });
  assert.equal(reason, 'dns_failed');
  assert.match(
    message,
    /sotto-safe\.sotto-system\.svc cannot be resolved \(ENOTFOUND\); whoever runs the cluster has to look at its DNS/,
  );

  const distrust = refuse({ kind: 'not_trusted', code: 'CERT_HAS_EXPIRED' });
  assert.equal(distrust.reason, 'certificate_not_trusted');
  assert.match(
    distrust.message,
    /:8443 is not trusted \(CERT_HAS_EXPIRED\), so no token was sent; whoever runs Sotto/,
  );

  const silence = refuse({ kind: 'unreachable', code: 'ECONNREFUSED' });
  assert.equal(silence.reason, 'safe_unreachable');
  assert.match(silence.message, /cannot be reached at .*:8443 \(ECONNREFUSED\); whoever runs Sotto/);
  assert.ok(silence.mayPass);
});

test('an answer that is too large will not get smaller', () => {
  const { reason, mayPass } = refuse({ kind: 'too_large' });
  assert.deepEqual([reason, mayPass], ['answer_invalid', false]);
});
