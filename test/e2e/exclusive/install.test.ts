import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { readClusterEnvironment } from '../../cluster/inside.ts';
import { apply, get, kubectl, sotto, waitFor } from '../support/kubectl.ts';
import { createNamespace } from '../support/namespace.ts';
import { outputOf, pod, waitUntilStarted } from '../support/pods.ts';
import { putSecret } from '../support/secrets.ts';
import { install, podsOf, SYSTEM, uninstall, waitUntilReady } from '../support/system.ts';

const cluster = readClusterEnvironment(process.env);
const disk = join(cluster.mntDirectory, 'disks', 'safe');
const namespace = await createNamespace('install');

before(async () => {
  await install();
});

interface Stored {
  readonly data: Record<string, string>;
}

const rootKey = async () => (await get<Stored>(['secret', 'sotto-root-key', '-n', SYSTEM])).data;

/** The last words of Safe when it does not start, as `kubectl describe` shows them. */
const refusal = () =>
  waitFor('Safe to say why it does not start', async () => {
    const [safe] = await podsOf('sotto-safe');
    const status = safe?.status.containerStatuses?.[0];
    return (status?.state.terminated ?? status?.lastState.terminated)?.message;
  });

async function assertDelivered(name: string): Promise<void> {
  await apply(pod(namespace, name, { script: 'cat /sotto/db/password' }));
  await waitUntilStarted(namespace, name);
  assert.equal(await outputOf(namespace, name), 'hunter2');
}

test('a second apply changes nothing', async () => {
  const versions = () =>
    kubectl([
      ...['get', '-k', 'manifests/overlays/demo', '-o'],
      'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion} {.metadata.generation}{"\\n"}{end}',
    ]);
  const isSettled = (line: string) => !/^(Deployment|StatefulSet|PodDisruptionBudget) /.test(line); // their status moves
  const first = (await versions()).split('\n').filter(isSettled);
  const generations = async () => (await versions()).replaceAll(/ \d+ (\d+)$/gm, ' $1');
  const before = await generations();
  await install();
  assert.deepEqual((await versions()).split('\n').filter(isSettled), first);
  assert.equal(await generations(), before);
});

test('no manifest holds a key, a certificate or a caBundle', async () => {
  const rendered = await kubectl(['kustomize', 'manifests/overlays/demo']);
  assert.doesNotMatch(rendered, /^kind: Secret$|BEGIN|caBundle/m);
});

test('deleted and installed again over the volume of before: it refuses until the root key is back, and then has everything', async () => {
  await putSecret(`${namespace}/db/password`, 'hunter2');
  await assertDelivered('before');
  const saved = await rootKey();

  await uninstall();
  await kubectl(['apply', '-k', 'manifests/overlays/demo']);
  assert.match(await refusal(), /root_key_missing: there is a store, but no Secret sotto-root-key/);

  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'sotto-root-key', namespace: SYSTEM },
  };
  await apply({ ...secret, data: { 'root-key': Buffer.alloc(32, 1).toString('base64') } });
  await kubectl(['delete', 'pod', 'sotto-safe-0', '-n', SYSTEM]); // a new pod is not kept waiting for its last failure
  await waitFor('Safe to call the key wrong', async () => /wrong_root_key/.test(await refusal()));

  await apply({ ...secret, data: saved });
  await kubectl(['delete', 'pod', 'sotto-safe-0', '-n', SYSTEM]);
  await waitUntilReady();
  await assertDelivered('after');
});

test('with its volume emptied under it, it refuses to start empty until somebody says that it may', async () => {
  await kubectl(['scale', 'statefulset/sotto-safe', '-n', SYSTEM, '--replicas=0']);
  await kubectl(['wait', '-n', SYSTEM, '--for=delete', 'pod/sotto-safe-0', '--timeout=60s']);
  for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true });
  await kubectl(['scale', 'statefulset/sotto-safe', '-n', SYSTEM, '--replicas=1']);
  assert.match(
    await refusal(),
    /store_missing: Secret sotto-root-key belongs to a store, but the volume has none/,
  );

  const patch = JSON.stringify([{ op: 'remove', path: '/data/store-id' }]);
  await kubectl(['patch', 'secret', 'sotto-root-key', '-n', SYSTEM, '--type=json', '-p', patch]);
  await kubectl(['delete', 'pod', 'sotto-safe-0', '-n', SYSTEM]);
  await waitUntilReady();
  await putSecret(`${namespace}/db/password`, 'hunter2');
  await assertDelivered('emptied');
});

test('deleted and installed again on an empty volume: it starts anew, with other keys', async () => {
  const before = await rootKey();
  await uninstall();
  for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true });
  await install();
  assert.notDeepEqual(await rootKey(), before);
  assert.notEqual((await sotto(['get', 'db', '-n', namespace])).code, 0);
  await putSecret(`${namespace}/db/password`, 'hunter2');
  await assertDelivered('anew');
});

test('a caBundle that somebody blanks or replaces is put right within seconds', async () => {
  const bundle = async () =>
    (
      await get<{ webhooks: { clientConfig: { caBundle?: string } }[] }>([
        'mutatingwebhookconfiguration/sotto-injector',
      ])
    ).webhooks[0]?.clientConfig.caBundle;
  const before = await bundle();
  for (const patch of [
    [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }],
    [
      {
        op: 'replace',
        path: '/webhooks/0/clientConfig/caBundle',
        value: await kubectl([
          'get',
          'configmap',
          'kube-root-ca.crt',
          '-n',
          namespace,
          '-o',
          'jsonpath={.data.ca\\.crt}',
        ]).then((pem) => Buffer.from(pem).toString('base64')),
      },
    ],
  ]) {
    await kubectl([
      'patch',
      'mutatingwebhookconfiguration',
      'sotto-injector',
      '--type=json',
      '-p',
      JSON.stringify(patch),
    ]);
    await waitFor('the caBundle to be put right', async () => (await bundle()) === before, {
      timeoutMs: 10_000,
    });
  }
  await assertDelivered('trusted');
});

test('Safe holds the rights that its one file lists, and the webhook none', async () => {
  const as = (account: string) => `--as=system:serviceaccount:${SYSTEM}:${account}`;
  const may = async (account: string, ...args: string[]) =>
    (await kubectl(['auth', 'can-i', ...args, as(account)]).catch(() => 'no')).trim() === 'yes';
  assert.ok(await may('sotto-safe', 'get', 'secret/sotto-root-key', '-n', SYSTEM));
  for (const account of ['sotto-safe', 'sotto-webhook']) {
    for (const [verb, resource, where] of [
      ['list', 'secrets', SYSTEM],
      ['get', 'secret/other', SYSTEM],
      ['create', 'secrets', SYSTEM],
      ['get', 'secrets', 'default'],
      ['get', 'pods', SYSTEM],
      ['create', 'pods', 'default'],
      ['delete', 'mutatingwebhookconfigurations/sotto-injector', 'default'],
    ] as const) {
      assert.equal(await may(account, verb, resource, '-n', where), false, `${account} ${verb} ${resource}`);
    }
  }
  assert.equal(await may('sotto-webhook', 'create', 'tokenreviews.authentication.k8s.io'), false);
});
