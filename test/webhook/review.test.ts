import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { review } from '../../webhook/review.ts';
import { buildPod, buildReview, patchOf, refusal, reviewPod, settings, UID } from './reviews.ts';

const initConfigOf = (annotations: object): unknown => {
  const added = patchOf(reviewPod(buildPod(annotations))).find(({ path }) =>
    path.startsWith('/spec/initContainers'),
  );
  const [container] = (added as unknown as { value: { env: { name: string; value: string }[] }[] }).value;
  return JSON.parse(container?.env.find(({ name }) => name === 'SOTTO_CONFIG')?.value ?? '');
};

test('a pod that asks is allowed with a JSON patch in base64, and the uid is repeated', () => {
  const { answer } = reviewPod(buildPod({}));
  const { patch, ...response } = answer.response;
  assert.deepEqual([answer.apiVersion, answer.kind], ['admission.k8s.io/v1', 'AdmissionReview']);
  assert.deepEqual(response, {
    uid: UID,
    allowed: true,
    patchType: 'JSONPatch',
    auditAnnotations: { decision: 'inject', reason: 'injected' },
  });
  assert.match(patch ?? '', /^[A-Za-z0-9+/]+={0,2}$/);
});

test('the injected container is told what the annotations say, and nothing else', () => {
  const annotations = {
    'sotto.dev/secrets': 'db, payments/stripe',
    'sotto.dev/format': 'json',
    'sotto.dev/format.db': 'files',
    'sotto.dev/timeout': '30s',
  };
  assert.deepEqual(initConfigOf(annotations), {
    version: 1,
    safe: { host: 'sotto-safe.sotto-system.svc', port: 8443 },
    namespace: 'shop',
    secrets: ['db', 'payments/stripe'],
    format: 'json',
    formats: { db: 'files' },
    timeoutMs: 30_000,
  });
});

test('Kubernetes finds no variable to expand in what the container is told', () => {
  assert.ok(!JSON.stringify(initConfigOf({ 'sotto.dev/secrets': 'db, a-b/c.d' })).includes('$'));
});

test('the namespace is that of the request, whatever the pod says', () => {
  const pod = {
    metadata: {
      namespace: 'payments',
      annotations: { 'sotto.dev/inject': 'true', 'sotto.dev/secrets': 'shop/db' },
    },
    spec: {},
  };
  const [operation] = patchOf(reviewPod(pod)).slice(-1);
  assert.match(JSON.stringify(operation), /\\"namespace\\":\\"shop\\",\\"secrets\\":\[\\"db\\"\]/);
});

test('a body that is not an AdmissionReview (v1) with a uid is no request', () => {
  const bodies: [unknown, RegExp][] = [
    [undefined, /the document must be an object|is missing/],
    [null, /the document must be an object/],
    ['AdmissionReview', /the document must be an object/],
    [[], /apiVersion is missing|must be an object/],
    [{}, /apiVersion is missing/],
    [{ ...buildReview({}), kind: 'Pod' }, /kind must be AdmissionReview/],
    [
      { ...buildReview({}), apiVersion: 'admission.k8s.io/v1beta1' },
      /apiVersion must be admission.k8s.io\/v1/,
    ],
    [{ ...buildReview({}), request: undefined }, /request is missing/],
    [{ ...buildReview({}), request: null }, /request must be an object/],
    [buildReview({}, { uid: undefined }), /request.uid is missing/],
    [buildReview({}, { uid: '' }), /request.uid must be the uid of a request/],
    [buildReview({}, { uid: 7 }), /request.uid must be a string/],
    [buildReview({}, { uid: 'x'.repeat(129) }), /request.uid must be the uid of a request/],
    [buildReview({}, { uid: 'a\nb' }), /request.uid must be the uid of a request/],
  ];
  for (const [body, message] of bodies) {
    assert.throws(() => review(body, settings), { code: 'invalid_request', message });
  }
});

test('from the uid on, what cannot be read is refused with a status and a sentence', () => {
  const cases: [unknown, object, RegExp][] = [
    [null, {}, /the document must be an object/],
    ['pod', {}, /the document must be an object/],
    [{}, {}, /spec is missing/],
    [{ spec: null }, {}, /spec must be an object/],
    [{ spec: { containers: 'x' } }, {}, /spec.containers must be an array/],
    [{ spec: { containers: [{ name: 1 }] } }, {}, /spec.containers.0.name must be a string/],
    [{ metadata: { annotations: { x: 1 } }, spec: {} }, {}, /metadata.annotations.x must be a string/],
    [buildPod({}), { namespace: undefined }, /namespace is missing/],
    [buildPod({}), { namespace: 'No/Namespace' }, /namespace must be a DNS-1123 label/],
    [buildPod({}), { operation: undefined }, /operation is missing/],
    [buildPod({}), { kind: undefined }, /kind is missing/],
  ];
  for (const [pod, request, message] of cases) {
    assert.match(refusal(pod, request), message);
    const { answer, reason } = reviewPod(pod, request);
    assert.deepEqual([answer.response.uid, answer.response.status?.code, reason], [UID, 400, 'malformed']);
  }
});

test('what is not a pod is refused by name, not left without secrets', () => {
  for (const kind of [
    { group: 'apps', version: 'v1', kind: 'Deployment' },
    { group: '', version: 'v2', kind: 'Pod' },
    { group: 'example.com', version: 'v1', kind: 'Pod' },
  ]) {
    assert.match(refusal(buildPod({}), { kind }), /reviews pods \(v1\) only/);
    assert.equal(reviewPod(buildPod({}), { kind }).reason, 'not_a_pod');
  }
});

test('only a creation is looked at: a running pod cannot be changed any more', () => {
  const others = [
    { operation: 'UPDATE' },
    { operation: 'DELETE', object: null },
    { operation: 'CONNECT', subResource: 'exec' },
    { operation: 'CREATE', subResource: 'binding', kind: { group: '', version: 'v1', kind: 'Binding' } },
    { operation: 'UPDATE', subResource: 'ephemeralcontainers' },
  ];
  for (const request of others) {
    const { answer, reason } = reviewPod(buildPod({}), request);
    assert.equal(reason, 'not_a_creation');
    assert.deepEqual(
      [answer.response.allowed, answer.response.patch, answer.response.warnings],
      [true, undefined, undefined],
    );
  }
});

test('a dry run is answered like the real thing', () => {
  assert.ok(
    isDeepStrictEqual(reviewPod(buildPod({}), { dryRun: true }).answer, reviewPod(buildPod({})).answer),
  );
});

test('who asked and gets nothing is warned, in at most 120 characters', () => {
  for (const metadata of [
    { deletionTimestamp: '2026-11-20T10:00:00Z' },
    { annotations: { 'sotto.dev/inject': 'true', 'kubernetes.io/config.mirror': 'x' } },
  ]) {
    const { answer, decision } = reviewPod({
      spec: {},
      metadata: { annotations: { 'sotto.dev/inject': 'true' }, ...metadata },
    });
    assert.equal(decision, 'skip');
    const [warning] = answer.response.warnings ?? [];
    assert.match(warning ?? '', /^.{20,120}$/);
  }
  assert.equal(reviewPod({ spec: {} }).answer.response.warnings, undefined);
});

test('a namespace outside the grammar is not logged', () => {
  assert.equal(reviewPod(buildPod({}), { namespace: 'evil\n{"event":"x"}' }).namespace, '');
});

test('every problem of a pod is said at once, those of its annotations and those of its containers', () => {
  const pod = buildPod(
    { 'sotto.dev/timeout': 'soon', 'sotto.dev/secret': 'db', 'sotto.dev/containers': 'app, x' },
    {
      containers: [{ name: 'app', volumeMounts: [{ name: 'v', mountPath: '/sotto' }] }],
      os: { name: 'windows' },
    },
  );
  const message = refusal(pod);
  for (const part of [
    'sotto.dev/timeout',
    'sotto.dev/secret ',
    'entry 2 is none',
    'at, above or below',
    'Windows',
  ]) {
    assert.ok(message.includes(part), part);
  }
});

test('what follows from a wrong annotation is not said', () => {
  const containers = [{ name: 'app', volumeMounts: [{ name: 'v', mountPath: '/sotto' }] }];
  assert.ok(
    !refusal(buildPod({ 'sotto.dev/mount-path': 'x' }, { containers })).includes('at, above or below'),
  );
});

test('a million wrong elements are refused quickly', () => {
  const start = performance.now();
  assert.match(
    refusal({ spec: { volumes: new Array(1_000_000).fill(1) } }),
    /spec.volumes.0 must be an object/,
  );
  assert.ok(performance.now() - start < 500);
});
