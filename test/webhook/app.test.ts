import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { WEBHOOK_HOST } from '../../shared/names.ts';
import { buildPod, buildReview, UID } from './reviews.ts';
import { send, startWebhook, type Answer, type TestWebhook } from './webhook-server.ts';

interface Body {
  readonly error?: { readonly code: string; readonly message: string };
  readonly response?: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patch?: string;
    readonly status?: { readonly code: number; readonly message: string };
  };
}

const bodyOf = ({ text }: Answer): Body => JSON.parse(text) as Body;
const review = JSON.stringify(buildReview(buildPod({})));

test('a pod that asks is answered with a patch', async (t) => {
  const webhook = await startWebhook(t);
  const answer = await send(webhook, review);
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const { response } = bodyOf(answer);
  assert.deepEqual([response?.uid, response?.allowed], [UID, true]);
  assert.match(Buffer.from(response?.patch ?? '', 'base64').toString(), /"sotto-init"/);
});

test('each review is one log line and one count, without anything the tenant wrote', async (t) => {
  const webhook = await startWebhook(t, { nowMs: () => 5 });
  const pod = buildPod({ 'sotto.dev/secrets': 'canary', 'sotto.dev/format': 'canary', canary: 'canary' });
  await send(webhook, JSON.stringify(buildReview(pod)));
  assert.deepEqual(webhook.lines, [
    JSON.stringify({
      level: 'info',
      event: 'reviewed',
      uid: UID,
      namespace: 'shop',
      decision: 'deny',
      reason: 'invalid_annotation',
      durationMs: 0,
    }),
  ]);
  assert.deepEqual(webhook.counted, ['deny invalid_annotation']);
});

test('an unknown annotation is an answer that denies, naming it', async (t) => {
  const webhook = await startWebhook(t);
  const answer = await send(
    webhook,
    JSON.stringify(buildReview(buildPod({ 'sotto.dev/secret': 'hunter2' }))),
  );
  const { response } = bodyOf(answer);
  assert.equal(answer.status, 200);
  assert.deepEqual([response?.allowed, response?.status?.code], [false, 422]);
  assert.match(
    response?.status?.message ?? '',
    /sotto.dev\/secret is not an annotation of Sotto \(did you mean secrets\?\)/,
  );
  assert.ok(!answer.text.includes('hunter2'));
});

test('a name outside the grammar is an answer that denies, naming the annotation', async (t) => {
  const webhook = await startWebhook(t);
  const answer = await send(
    webhook,
    JSON.stringify(buildReview(buildPod({ 'sotto.dev/secrets': '../Hunter2' }))),
  );
  assert.match(
    bodyOf(answer).response?.status?.message ?? '',
    /sotto.dev\/secrets must list <secret> or <namespace>\/<secret>; entry 1/,
  );
  assert.ok(!answer.text.includes('Hunter2'));
});

const refused: Record<
  string,
  { body: string; status: number; says: RegExp; headers?: Record<string, string> }
> = {
  'a body that is not JSON': { body: 'hunter2', status: 400, says: /^body must be a JSON object$/ },
  'a body that ends too early': {
    body: review.slice(0, -1),
    status: 400,
    says: /^body must be a JSON object$/,
  },
  'an empty body': { body: '', status: 400, says: /^apiVersion is missing$/ },
  'a body that is a number': { body: '1', status: 400, says: /^body must be a JSON object$/ },
  'a body that is an array': { body: '[]', status: 400, says: /is missing|must be an object/ },
  'a body of 9 MiB': {
    body: `"${'x'.repeat(9 * 1024 * 1024)}"`,
    status: 413,
    says: /^body must be at most 8388608 bytes$/,
  },
  'arrays nested 10,000 deep': {
    body: `{"request":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
    status: 400,
    says: /^body must not be nested deeper than 64 levels$/,
  },
  'objects nested 10,000 deep': {
    body: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    status: 400,
    says: /^body must not be nested deeper than 64 levels$/,
  },
  'a body that reaches for the prototype': {
    body: review.replace('"metadata"', '"__proto__":{"x":1},"metadata"'),
    status: 400,
    says: /^body must be a JSON object$/,
  },
  'an AdmissionReview of another version': {
    body: review.replace('k8s.io/v1"', 'k8s.io/v1beta1"'),
    status: 400,
    says: /^apiVersion must be admission.k8s.io\/v1$/,
  },
  'another kind': {
    body: review.replace('"AdmissionReview"', '"ConversionReview"'),
    status: 400,
    says: /^kind must be AdmissionReview$/,
  },
  'a review without a uid': {
    body: review.replace('"uid"', '"id"'),
    status: 400,
    says: /^request.uid is missing$/,
  },
  'a form': {
    body: 'a=b',
    status: 415,
    says: /application\/json/,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  text: { body: review, status: 415, says: /application\/json/, headers: { 'content-type': 'text/plain' } },
  'no content type': {
    body: review,
    status: 415,
    says: /application\/json/,
    headers: { 'content-type': '' },
  },
  'another JSON type': {
    body: review,
    status: 415,
    says: /application\/json/,
    headers: { 'content-type': 'application/json-patch+json' },
  },
  'a compressed body': {
    body: review,
    status: 415,
    says: /content-encoding/,
    headers: { 'content-encoding': 'gzip' },
  },
};

for (const [name, { body, status, says, headers = {} }] of Object.entries(refused)) {
  test(`${name} is refused with ${status} and a sentence`, async (t) => {
    const webhook = await startWebhook(t);
    const answer = await send(webhook, body, { headers });
    assert.equal(answer.status, status);
    assert.match(bodyOf(answer).error?.message ?? '', says);
    assert.ok(!answer.text.includes('hunter2'));
    assert.deepEqual([webhook.lines, webhook.counted], [[], []]);
  });
}

test('a body of unknown length is cut off at 8 MiB too', async (t) => {
  const webhook = await startWebhook(t);
  const body = Buffer.alloc(9 * 1024 * 1024, ' ');
  const answer = await send(webhook, body, { headers: { 'transfer-encoding': 'chunked' } });
  assert.equal(answer.status, 413);
});

test('a review of nearly 8 MiB is read', async (t) => {
  const webhook = await startWebhook(t);
  const pod = buildPod({}, { x: 'x'.repeat(8 * 1024 * 1024 - 4096) });
  assert.equal(bodyOf(await send(webhook, JSON.stringify(buildReview(pod)))).response?.allowed, true);
});

/** A client that says it will send a large body, and then sends nothing. */
async function stall({ port, ca }: TestWebhook): Promise<TLSSocket> {
  const socket = connect({ port, ca, servername: WEBHOOK_HOST });
  await once(socket, 'secureConnect');
  socket.write(
    `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{`,
  );
  return socket;
}

test('large bodies are read one at a time, and ordinary ones do not wait for them', async (t) => {
  const webhook = await startWebhook(t);
  const [first, second] = [await stall(webhook), await stall(webhook)];
  await delay(50);
  let isAnswered = false;
  const large = send(webhook, JSON.stringify(buildReview(buildPod({}, { x: 'x'.repeat(500_000) })))).finally(
    () => {
      isAnswered = true;
    },
  );
  assert.equal((await send(webhook, review)).status, 200);
  await delay(50);
  assert.equal(isAnswered, false);
  second.destroy(); // while it waits for its turn
  first.destroy();
  assert.equal((await large).status, 200);
});

test('there is one path and one method', async (t) => {
  const webhook = await startWebhook(t);
  for (const path of ['/', '/mutate/', '/Mutate', '/livez', '/metrics']) {
    assert.equal((await send(webhook, review, { path })).status, 404);
  }
  const answer = await send(webhook, '', { method: 'GET' });
  assert.deepEqual([answer.status, bodyOf(answer).error?.code], [405, 'method_not_allowed']);
});

test('while it stops, every answer closes its connection', async (t) => {
  const webhook = await startWebhook(t, { isStopping: () => true });
  assert.equal((await send(webhook, review)).headers['connection'], 'close');
  assert.equal((await send(webhook, 'x')).headers['connection'], 'close');
});

test('a failure of ours is answered with 500 and without any detail', async (t) => {
  const webhook = await startWebhook(t, {
    settings: () => {
      throw new TypeError('hunter2');
    },
  });
  const answer = await send(webhook, review);
  assert.deepEqual(
    [answer.status, answer.text],
    [500, '{"error":{"code":"internal","message":"internal error"}}'],
  );
  assert.match(webhook.lines.join(), /"event":"request_failed","name":"TypeError"/);
  assert.ok(!webhook.lines.join().includes('hunter2'));
});

test('TLS 1.1 is refused', async (t) => {
  const webhook = await startWebhook(t);
  await assert.rejects(send(webhook, review, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }));
});

test('twenty pods at once are all answered', async (t) => {
  const webhook = await startWebhook(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(webhook, review)));
  assert.ok(answers.every((answer) => bodyOf(answer).response?.allowed === true));
});
