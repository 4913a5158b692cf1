import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applied, buildPod, injected, patchOf, refusal, reviewPod } from '../reviews.ts';

interface Named {
  name: string;
  [field: string]: unknown;
}
interface TestContainer extends Named {
  volumeMounts?: unknown[] | null | undefined;
}
interface TestPod {
  metadata?: unknown;
  spec: {
    volumes?: Named[] | null | undefined;
    initContainers?: TestContainer[] | null | undefined;
    containers?: TestContainer[] | null | undefined;
    [field: string]: unknown;
  };
}

const MOUNT = { name: 'sotto-secrets', mountPath: '/sotto', readOnly: true };
const OURS = ['sotto-secrets', 'sotto-token', 'sotto-init'];

const key = fc.oneof(
  fc.constantFrom('a/b', 'a~b', '~1', '~0/', 'constructor', 'x.y/z'),
  fc.string({ minLength: 1 }),
);
const json = fc.jsonValue({ maxDepth: 2 });
const rest = fc.dictionary(
  key.filter((name) => !['__proto__', 'os'].includes(name)),
  json,
  { maxKeys: 3 },
);
const list = <T>(item: fc.Arbitrary<T>) =>
  fc.oneof(fc.constantFrom(undefined, null), fc.array(item, { maxLength: 4 }));
const theirName = fc.oneof(fc.constantFrom('app', 'istio-proxy', 'a/b~c', ''), fc.string());
const mount = fc.record({
  name: theirName,
  mountPath: fc.constantFrom('/data', '/etc/x', '/var/run/y', '/sottos'),
});
const container = fc
  .tuple(rest, fc.record({ name: theirName, volumeMounts: list(mount) }, { requiredKeys: ['name'] }))
  .map(([others, ours]): TestContainer => ({ ...others, ...ours }));
const volume = fc
  .tuple(rest, fc.record({ name: theirName }))
  .map(([others, ours]): Named => ({ ...others, ...ours }));
const spec = fc.record(
  {
    volumes: list(volume),
    initContainers: list(container),
    containers: list(container),
    securityContext: fc.constantFrom({}, { runAsUser: 0 }, { runAsUser: 1000, fsGroup: 5 }),
  },
  { requiredKeys: [] },
);
const podLike = fc.tuple(rest, spec, rest).map(([others, ours, labels]) =>
  asJson<TestPod>({
    metadata: { labels, annotations: { 'sotto.dev/inject': 'true', 'a/b~c': '~1' } },
    spec: { ...others, ...ours },
  }),
);

/** As JSON has it: what is undefined is not there, and every object is an ordinary one. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** The pod without anything of ours, and with the lists that we had to make taken away again. */
function withoutOurs(after: TestPod, before: TestPod): TestPod {
  const copy = structuredClone(after);
  const theirs = <T extends Named>(items: T[] | null | undefined, was: T[] | null | undefined) => {
    const left = (items ?? []).filter(({ name }) => !OURS.includes(name));
    return left.length === 0 && !Array.isArray(was) ? was : left;
  };
  copy.spec.volumes = theirs(copy.spec.volumes, before.spec.volumes);
  copy.spec.initContainers = theirs(copy.spec.initContainers, before.spec.initContainers);
  for (const [index, each] of (copy.spec.containers ?? []).entries()) {
    const was = before.spec.containers?.[index]?.volumeMounts;
    const left = (each.volumeMounts ?? []).filter((item) => (item as Named).name !== 'sotto-secrets');
    each.volumeMounts = left.length === 0 && !Array.isArray(was) ? was : left;
  }
  return asJson(copy);
}

test('on every pod the patch fits, our container is first, and nothing of the pod is changed or lost', () => {
  fc.assert(
    fc.property(podLike, (pod) => {
      const after = injected(pod) as TestPod;
      assert.equal(after.spec.initContainers?.[0]?.name, 'sotto-init');
      assert.deepEqual(
        after.spec.volumes?.slice(-2).map(({ name }) => name),
        ['sotto-secrets', 'sotto-token'],
      );
      for (const each of after.spec.containers ?? []) assert.deepEqual(each.volumeMounts?.at(-1), MOUNT);
      assert.deepEqual(withoutOurs(after, pod), pod);
    }),
    { numRuns: 1000 },
  );
});

test('the patch of an injected pod is empty', () => {
  fc.assert(
    fc.property(podLike, (pod) => {
      const again = reviewPod(injected(pod));
      assert.deepEqual([again.reason, patchOf(again)], ['already_injected', []]);
    }),
    { numRuns: 500 },
  );
});

test('the same pod always gets the same patch', () => {
  fc.assert(
    fc.property(podLike, (pod) => {
      assert.deepEqual(reviewPod(structuredClone(pod)).answer, reviewPod(pod).answer);
    }),
  );
});

test('the patch touches volumes, init containers and mounts only', () => {
  fc.assert(
    fc.property(podLike, (pod) => {
      for (const { op, path } of patchOf(reviewPod(pod))) {
        assert.equal(op, 'add');
        assert.match(
          path,
          /^\/spec\/(volumes(\/-)?|initContainers(\/0)?|containers\/\d+\/volumeMounts(\/-)?)$/,
        );
      }
    }),
  );
});

test('what others insert after us is served, and our container goes first again', () => {
  const pod = injected(buildPod({}, { initContainers: [{ name: 'migrate', image: 'm' }] })) as TestPod;
  pod.spec.initContainers?.unshift({ name: 'istio-init', image: 'i' });
  pod.spec.containers?.unshift({
    name: 'istio-proxy',
    image: 'i',
    volumeMounts: [{ name: 'certs', mountPath: '/etc/certs' }],
  });
  const operations = patchOf(reviewPod(pod));
  assert.deepEqual(operations, [
    { op: 'add', path: '/spec/containers/0/volumeMounts/-', value: MOUNT },
    { op: 'move', from: '/spec/initContainers/1', path: '/spec/initContainers/0' },
  ]);
  const after = applied(pod, operations) as TestPod;
  assert.deepEqual(
    after.spec.initContainers?.map(({ name }) => name),
    ['sotto-init', 'istio-init', 'migrate'],
  );
  assert.equal(reviewPod(after).reason, 'already_injected');
});

test('a container that somebody outdated is made ours and moved in one patch', () => {
  const annotations = { 'sotto.dev/containers': 'app, migrate' };
  const ours = { name: 'sotto-init', image: 'old', command: ['/usr/bin/node', '/app/sotto-init.cjs'] };
  const pod = buildPod(annotations, { initContainers: [{ name: 'other' }, ours, { name: 'migrate' }] });
  const { spec } = injected(pod) as TestPod;
  assert.deepEqual(
    spec.initContainers?.map(({ name }) => name),
    ['sotto-init', 'other', 'migrate'],
  );
  assert.equal(spec.initContainers[0]?.['image'], 'registry.example/sotto:1.0.0');
  assert.deepEqual(spec.initContainers[2]?.volumeMounts, [MOUNT]);
});

test('what the API server, a LimitRange or another webhook adds to our container stays', () => {
  const pod = injected(buildPod({})) as TestPod;
  const ours = pod.spec.initContainers?.[0];
  assert.ok(ours);
  ours['resources'] = { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1', memory: '64Mi' } };
  ours['terminationMessagePath'] = '/dev/termination-log';
  ours['imagePullPolicy'] = 'Always';
  ours['env'] = [...(ours['env'] as unknown[]), { name: 'HTTPS_PROXY', value: 'http://proxy' }];
  ours['volumeMounts'] = [...(ours['volumeMounts'] as unknown[]), { name: 'certs', mountPath: '/certs' }];
  Object.assign(ours['securityContext'] as object, {
    runAsUser: 1000660000,
    seLinuxOptions: { level: 's0:c1,c2' },
  });
  assert.equal(reviewPod(pod).reason, 'already_injected');
});

test('nothing that changes what our container is stays', () => {
  const changes: Record<string, unknown>[] = [
    { image: 'evil' },
    { args: ['--inspect'] },
    { envFrom: [{ configMapRef: { name: 'x' } }] },
    { restartPolicy: 'Always' },
    { lifecycle: {} },
    { workingDir: '/tmp' },
    { env: [] },
    { env: [{ name: 'SOTTO_CA', value: 'evil' }] },
    { volumeMounts: null },
    { securityContext: null },
    { securityContext: { capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } } },
    { terminationMessagePolicy: 'FallbackToLogsOnError' },
  ];
  for (const change of changes) {
    const pod = injected(buildPod({})) as TestPod;
    const wanted = structuredClone(pod);
    Object.assign(pod.spec.initContainers?.[0] ?? {}, change);
    assert.deepEqual(injected(pod), wanted, JSON.stringify(change));
  }
});

test('of two variables of one name the second would win, so ours is the only one', () => {
  const pod = injected(buildPod({})) as TestPod;
  const wanted = structuredClone(pod);
  const env = pod.spec.initContainers?.[0]?.['env'] as unknown[];
  env.push({ name: 'SOTTO_CONFIG', value: '{}' });
  assert.deepEqual(injected(pod), wanted);
});

test('a container or a volume of our name that is not ours is refused', () => {
  const fakes: object[] = [
    { initContainers: [{ name: 'sotto-init' }] },
    { initContainers: [{ name: 'sotto-init', command: ['/usr/bin/node'] }] },
    { initContainers: [{ name: 'sotto-init', command: ['/usr/bin/node', '/app/sotto-init.cjs', '--x'] }] },
    { containers: [{ name: 'sotto-init' }] },
    { volumes: [{ name: 'sotto-secrets', emptyDir: {} }] },
    { volumes: [{ name: 'sotto-secrets', hostPath: { path: '/' } }] },
    { volumes: [{ name: 'sotto-token', secret: { secretName: 'x' } }] },
    { volumes: [{ name: 'sotto-token', projected: { sources: [] } }] },
  ];
  for (const fake of fakes)
    assert.match(refusal(buildPod({}, fake)), /not the one Sotto adds; give it another name$/);
});

test('two containers or volumes of our name are refused, even if each could be ours', () => {
  const pod = injected(buildPod({})) as TestPod;
  const { initContainers, volumes } = pod.spec;
  assert.match(
    refusal({
      ...pod,
      spec: { ...pod.spec, initContainers: [...(initContainers ?? []), ...(initContainers ?? [])] },
    }),
    /container sotto-init that is not/,
  );
  assert.match(
    refusal({ ...pod, spec: { ...pod.spec, volumes: [...(volumes ?? []), ...(volumes ?? [])] } }),
    /volume sotto-secrets that is not/,
  );
});

test('a pod of 300 containers is served, each with one operation', () => {
  const containers = Array.from({ length: 300 }, (_, index) => ({ name: `c${index}` }));
  const start = performance.now();
  const operations = patchOf(reviewPod(buildPod({}, { containers })));
  assert.equal(operations.length, 302);
  assert.ok(performance.now() - start < 500);
});

test('a pod of more than a thousand containers is refused', () => {
  const containers = Array.from({ length: 1001 }, () => ({ name: 'c' }));
  assert.match(refusal(buildPod({}, { containers })), /spec.containers must have at most 1000 entries/);
});
