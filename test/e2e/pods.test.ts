import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { apply, create, get, kubectl } from './support/kubectl.ts';
import { createNamespace } from './support/namespace.ts';
import {
  IMAGE,
  INJECT,
  isInjected,
  outputOf,
  pod,
  podTemplate,
  waitUntilStarted,
  type Pod,
} from './support/pods.ts';
import { putSecret } from './support/secrets.ts';

const namespace = await createNamespace('pods');
const privileged = await createNamespace('privileged', { podSecurity: 'privileged' });
await putSecret(`${namespace}/db/password`, 'hunter2');
await putSecret(`${privileged}/db/password`, 'hunter2', ['*']);
await putSecret(`${privileged}/shared/token`, 'from another namespace', [`${namespace}/api`]);

const READ = 'cat /sotto/db/password';

async function logOf(name: string, options: Parameters<typeof pod>[2], where = namespace): Promise<string> {
  await apply(pod(where, name, { script: READ, ...options }));
  await waitUntilStarted(where, name);
  return outputOf(where, name);
}

const init = (name: string, script: string) => ({
  name,
  image: IMAGE,
  command: ['sh', '-c', script],
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
});

const stay = (script: string) => `${script} 2>&1; echo; echo '-- end --'; sleep 3600`;

suite('every shape of pod', { concurrency: 4 }, () => {
  test('with init containers of its own: ours is the first, and theirs see nothing that they did not ask for', async () => {
    const spec = { initContainers: [init('theirs', 'test ! -e /sotto'), init('second', 'true')] };
    assert.equal(await logOf('with-init', { spec }), 'hunter2');
    const { items } = await get<{ items: Pod[] }>([
      'pods',
      '-n',
      namespace,
      '--field-selector=metadata.name=with-init',
    ]);
    assert.deepEqual(
      items[0]?.spec.initContainers?.map(({ name }) => name),
      ['sotto-init', 'theirs', 'second'],
    );
  });

  test('with an init container that is named in the annotation: it reads the secret too', async () => {
    const spec = { initContainers: [init('migrate', 'grep -q hunter2 /sotto/db/password')] };
    const annotations = { ...INJECT, 'sotto.dev/containers': 'app, migrate' };
    assert.equal(await logOf('named-init', { spec, annotations }), 'hunter2');
  });

  test('with two containers of which one is named: the other does not see the volume', async () => {
    const spec = { containers: [init('app', stay(READ)), init('other', stay('ls /sotto'))] };
    const annotations = { ...INJECT, 'sotto.dev/containers': 'app' };
    assert.equal(await logOf('one-of-two', { spec, annotations }), 'hunter2');
    assert.match(await outputOf(namespace, 'one-of-two', 'other'), /No such file/);
  });

  test('with a volume at our mount path: refused with a sentence that names the path and the container', async () => {
    const volume = { name: 'theirs', emptyDir: {} };
    const container = { volumeMounts: [{ name: 'theirs', mountPath: '/sotto' }] };
    const options = { container, volumes: [volume] };
    await assert.rejects(
      apply(pod(namespace, 'taken', options)),
      /admission webhook "inject\.sotto\.dev" denied the request:.*container app has a volume.*mount-path/,
    );
    const annotations = { ...INJECT, 'sotto.dev/mount-path': '/srv/secrets' };
    const script = 'cat /srv/secrets/db/password';
    await apply(pod(namespace, 'elsewhere', { ...options, annotations, script }));
    await waitUntilStarted(namespace, 'elsewhere');
    assert.equal(await outputOf(namespace, 'elsewhere'), 'hunter2');
  });

  test('with a generated name', async () => {
    const { metadata, spec } = podTemplate({ script: READ });
    const made = await create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, namespace, generateName: 'generated-' },
      spec,
    });
    const name = made.replace('pod/', '');
    await waitUntilStarted(namespace, name);
    assert.equal(await outputOf(namespace, name), 'hunter2');
  });

  test('without a service account token of its own: it has the secret and still no token', async () => {
    const script = 'cat /sotto/db/password; ls /var/run/secrets 2>&1';
    const log = await logOf('no-token', { script, spec: { automountServiceAccountToken: false } });
    assert.match(log, /^hunter2/);
    assert.match(log, /No such file/);
  });

  test('in a namespace without Pod Security, as root and as another user', async () => {
    assert.equal(
      await logOf('as-root', { spec: { securityContext: { runAsUser: 0 } } }, privileged),
      'hunter2',
    );
    assert.equal(
      await logOf('as-4321', { spec: { securityContext: { runAsUser: 4321, fsGroup: 99 } } }, privileged),
      'hunter2',
    );
  });

  test('with a container of another user than the pod’s: the files are readable for both', async () => {
    const container = {
      securityContext: { runAsUser: 2222, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    };
    assert.equal(await logOf('two-users', { container }), 'hunter2');
  });

  test('asking for JSON: one document for a secret', async () => {
    const annotations = { ...INJECT, 'sotto.dev/secrets': 'db', 'sotto.dev/format': 'json' };
    const log = await logOf('json', { annotations, script: 'cat /sotto/db.json' });
    assert.deepEqual(JSON.parse(log), { password: 'hunter2' });
  });

  test('asking for a secret of another namespace that names it as a reader', async () => {
    const annotations = { ...INJECT, 'sotto.dev/secrets': `db, ${privileged}/shared` };
    const script = `cat /sotto/db/password /sotto/${privileged}/shared/token`;
    assert.equal(await logOf('shared', { annotations, script }), 'hunter2from another namespace');
  });

  test('asking for all of its namespace that it may read: what another one shares has to be named', async () => {
    const log = await logOf('all', {
      script: 'cd /sotto; find -L . -type f | grep -v "/\\.\\." | sort',
    });
    assert.deepEqual(log.trim().split('\n'), ['./db/password']);
  });

  test('whose container restarts: the files are still there', async () => {
    const script = 'cat /sotto/db/password';
    await apply(pod(namespace, 'restarts', { script, ends: true }));
    await waitUntilStarted(namespace, 'restarts');
    await kubectl([
      'wait',
      '-n',
      namespace,
      'pod/restarts',
      '--for=jsonpath={.status.containerStatuses[0].restartCount}=1',
      '--timeout=60s',
    ]);
    assert.equal(await outputOf(namespace, 'restarts'), 'hunter2');
  });

  test('that did not ask, or opted out: untouched', async () => {
    for (const [name, annotations] of [
      ['plain', {}],
      ['opted-out', { 'sotto.dev/inject': 'false' }],
    ] as const) {
      await apply(pod(namespace, name, { annotations, script: 'ls /sotto' }));
      assert.equal(isInjected(await waitUntilStarted(namespace, name)), false);
    }
  });
});
