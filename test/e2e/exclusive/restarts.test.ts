import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, kubectl, sotto, waitFor } from '../support/kubectl.ts';
import { createNamespace } from '../support/namespace.ts';
import { isInjected, outputOf, pod, waitUntilStarted } from '../support/pods.ts';
import { putSecret } from '../support/secrets.ts';
import { freshSafe, install, killProgram, podsOf, SYSTEM, waitUntilReady } from '../support/system.ts';

const namespace = await createNamespace('restarts');

before(async () => {
  await install();
  await putSecret(`${namespace}/db/password`, 'hunter2');
});

const READ = 'cat /sotto/db/password';

const removePods = () =>
  kubectl([
    'delete',
    'pods',
    '-n',
    namespace,
    '-l',
    'app=test',
    '--wait=false',
    '--grace-period=0',
    '--force',
  ]);

async function assertDelivered(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      assert.equal(isInjected(await waitUntilStarted(namespace, name)), true);
      assert.equal(await outputOf(namespace, name), 'hunter2');
    }),
  );
}

async function startPods(prefix: string, count: number, meanwhile: () => Promise<void>): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  const created = apply(
    ...names.map((name) => pod(namespace, name, { script: READ, ends: true, restartPolicy: 'Never' })),
  );
  await meanwhile();
  await created;
  await assertDelivered(names);
  await removePods();
}

test('20 pods that start while Safe is killed and comes back all get their secret, and none of them fails', async () => {
  const safe = await freshSafe();
  await startPods('kill', 20, async () => {
    await sleep(500);
    killProgram(safe, 'sotto-safe.js');
  });
  await waitUntilReady();
});

test('what was acknowledged before a kill -9 is there after it', async () => {
  const safe = await freshSafe();
  const acknowledged: string[] = [];
  const writes = Array.from({ length: 6 }, async (_, i) => {
    const { code } = await sotto(
      ['put', `w${i}`, '-n', namespace, '--key', 'a', '--reader', 'api'],
      `value ${i}`,
    );
    if (code === 0) acknowledged.push(`w${i}`);
  });
  await Promise.race(writes);
  killProgram(safe, 'sotto-safe.js');
  await Promise.all(writes);
  await waitFor('Safe to be back', async () => (await sotto(['list', '-n', namespace])).code === 0);
  const { stdout } = await sotto(['list', '-n', namespace, '-o', 'json']);
  const names = (JSON.parse(stdout) as { items: { name: string }[] }).items.map(({ name }) => name);
  assert.ok(acknowledged.length > 0);
  for (const name of acknowledged) assert.ok(names.includes(name), name);
});

test('pods that are created while both webhook replicas restart are refused or injected, never started without', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `roll-${i}`);
  const replicas = await podsOf('sotto-webhook');
  const outcomes: string[] = [];
  await kubectl(['rollout', 'restart', 'deployment/sotto-webhook', '-n', SYSTEM]);
  for (const name of names) {
    await apply(pod(namespace, name, { script: READ, ends: true, restartPolicy: 'Never' })).then(
      () => outcomes.push(name),
      () => undefined,
    );
  }
  await kubectl(['rollout', 'status', 'deployment/sotto-webhook', '-n', SYSTEM, '--timeout=120s']);
  assert.equal(outcomes.length, names.length, 'a rolling restart loses no pod');
  const replaced = await podsOf('sotto-webhook');
  assert.ok(replicas.every((old) => replaced.every(({ metadata }) => metadata.uid !== old.metadata.uid)));
  await assertDelivered(names);
  await removePods();
});

test('with both webhooks killed at once, an annotated pod is refused or injected, and one that did not ask starts', async () => {
  for (const replica of await podsOf('sotto-webhook')) killProgram(replica, 'sotto-webhook.js');
  await apply(pod(namespace, 'unasked', { annotations: {} }));
  assert.equal(isInjected(await waitUntilStarted(namespace, 'unasked')), false);
  const injected = await waitFor('an annotated pod to be admitted', async () => {
    const made = await apply(pod(namespace, 'asked', { script: READ })).catch(() => undefined);
    return made !== undefined;
  });
  assert.equal(injected, true);
  assert.equal(isInjected(await waitUntilStarted(namespace, 'asked')), true);
  await waitUntilReady();
});
