import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { apply, get, kubectl, waitFor } from './support/kubectl.ts';
import { createNamespace } from './support/namespace.ts';
import { INJECT, isInjected, pod, waitUntilStarted, workload, type Pod } from './support/pods.ts';

const namespace = await createNamespace('admission');
const unlabelled = await createNamespace('unlabelled', { injection: false });

suite('a pod that cannot be injected as it asks is refused by the API server', () => {
  for (const [what, annotations, sentence] of [
    [
      'a misspelt annotation',
      { ...INJECT, 'sotto.dev/secret': 'db' },
      /sotto\.dev\/secret\b.*did you mean.*secrets/,
    ],
    ['an annotation of ours without the one that asks', { 'sotto.dev/secrets': 'db' }, /sotto\.dev\/inject/],
    ['a misspelt opt-in', { 'sotto.dev/injct': 'true' }, /sotto\.dev\/injct.*did you mean.*inject/],
    ['a secret outside the grammar', { ...INJECT, 'sotto.dev/secrets': 'Canary_X' }, /sotto\.dev\/secrets/],
    [
      'a format that is not known',
      { ...INJECT, 'sotto.dev/format': 'canary_x' },
      /sotto\.dev\/format.*files.*json/,
    ],
    [
      'a container that is not there',
      { ...INJECT, 'sotto.dev/containers': 'canary-x' },
      /sotto\.dev\/containers/,
    ],
    [
      'a mount path that climbs',
      { ...INJECT, 'sotto.dev/mount-path': '/a/../canary_x' },
      /sotto\.dev\/mount-path/,
    ],
    ['a timeout that is no time', { ...INJECT, 'sotto.dev/timeout': 'canary_x' }, /sotto\.dev\/timeout/],
  ] as const) {
    test(`${what}: named with its annotation, and never with its value`, async () => {
      await assert.rejects(apply(pod(namespace, 'refused', { annotations })), (error: Error) => {
        assert.match(error.message, sentence);
        assert.doesNotMatch(error.message, /canary[-_]x/i);
        return true;
      });
    });
  }

  test('every fault of a pod is said at once', async () => {
    const annotations = {
      ...INJECT,
      'sotto.dev/format': 'x',
      'sotto.dev/timeout': 'x',
      'sotto.dev/typo': 'x',
    };
    await assert.rejects(
      apply(pod(namespace, 'refused', { annotations })),
      /sotto\.dev\/format[^]*sotto\.dev\/t/,
    );
  });

  test('a container or a volume that only carries our name is refused', async () => {
    const forged = { name: 'sotto-init', image: 'sotto.test/busybox:1', command: ['true'] };
    await assert.rejects(
      apply(pod(namespace, 'forged', { spec: { initContainers: [forged] } })),
      /sotto-init/,
    );
    const volumes = [{ name: 'sotto-secrets', emptyDir: {} }];
    await assert.rejects(apply(pod(namespace, 'forged', { volumes })), /sotto-secrets/);
  });

  test('a Deployment whose pods are refused says so where its owner looks', async () => {
    await apply(
      workload('Deployment', namespace, 'refused', { annotations: { ...INJECT, 'sotto.dev/typo': 'x' } }),
    );
    await waitFor('the event', async () =>
      /sotto\.dev\/typo/.test(
        await kubectl(['get', 'events', '-n', namespace, '-o', 'jsonpath={..message}']),
      ),
    );
  });
});

test('a pod that did not ask, and a namespace that is not labelled, are not injected', async () => {
  await apply(
    pod(namespace, 'plain', { annotations: { 'example.com/x': 'y' } }),
    pod(unlabelled, 'annotated'),
  );
  assert.equal(isInjected(await waitUntilStarted(namespace, 'plain')), false);
  assert.equal(isInjected(await waitUntilStarted(unlabelled, 'annotated')), false);
});

test('a dry run is injected like the real thing, and leaves nothing behind', async () => {
  const dry = JSON.parse(
    await kubectl(
      ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify(pod(namespace, 'dry')),
    ),
  ) as Pod;
  assert.equal(isInjected(dry), true);
  assert.equal(await kubectl(['get', 'pod', 'dry', '-n', namespace, '--ignore-not-found', '-o', 'name']), '');
});

test('server-side apply, done twice, leaves one container of ours', async () => {
  const manifest = JSON.stringify(
    pod(namespace, 'applied', { annotations: { ...INJECT, 'sotto.dev/timeout': '1s' } }),
  );
  for (let i = 0; i < 2; i++) await kubectl(['apply', '--server-side', '-f', '-'], manifest);
  const found = await get<Pod>(['pod', 'applied', '-n', namespace]);
  assert.deepEqual(
    found.spec.initContainers?.map(({ name }) => name),
    ['sotto-init'],
  );
});
