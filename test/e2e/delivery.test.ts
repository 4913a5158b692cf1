import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { apply, kubectl } from './support/kubectl.ts';
import { createNamespace } from './support/namespace.ts';
import {
  INJECT,
  outputOf,
  pod,
  podOf,
  waitUntilRefused,
  waitUntilStarted,
  workload,
} from './support/pods.ts';
import { putSecret } from './support/secrets.ts';

const VALUE = 'correct horse\nbattery staple';
const namespace = await createNamespace('delivery');
await putSecret(`${namespace}/db/password`, VALUE);

const READ = 'cat /sotto/db/password; echo; grep " /sotto " /proc/mounts';
const KINDS = ['Pod', 'Deployment', 'StatefulSet', 'Job'] as const;

/** Makes the object, and gives the name of its pod. */
async function start(
  kind: (typeof KINDS)[number],
  name: string,
  options: Parameters<typeof pod>[2],
): Promise<string> {
  if (kind === 'Pod') {
    await apply(pod(namespace, name, { restartPolicy: 'Never', ...options }));
    return name;
  }
  await apply(workload(kind, namespace, name, options));
  return (await podOf(namespace, name)).metadata.name;
}

suite('a pod, whatever makes it', { concurrency: 4 }, () => {
  for (const kind of KINDS) {
    const ends = kind === 'Job' || kind === 'Pod';

    test(`${kind}: a reader's application finds every byte of the secret, in memory and read-only`, async () => {
      const name = await start(kind, `reads-${kind.toLowerCase()}`, { script: READ, ends });
      await waitUntilStarted(namespace, name);
      const log = await outputOf(namespace, name);
      assert.ok(log.startsWith(`${VALUE}\n`), log);
      assert.match(log, /^tmpfs \/sotto tmpfs ro,.*noswap/m);
      if (kind === 'Job') {
        await kubectl([
          'wait',
          '-n',
          namespace,
          '--for=condition=complete',
          `job/reads-job`,
          '--timeout=60s',
        ]);
      }
    });

    for (const [what, secrets, serviceAccount] of [
      ['is not a reader', 'db', 'stranger'],
      ['asks for a secret that does not exist', 'nothing', 'api'],
      ['may read nothing at all', '', 'stranger'],
    ] as const) {
      test(`${kind}: whose service account ${what}: the application never starts, and the pod says why`, async () => {
        const annotations = {
          ...INJECT,
          'sotto.dev/timeout': '3s',
          ...(secrets === '' ? {} : { 'sotto.dev/secrets': secrets }),
        };
        const slug = `no-${kind.toLowerCase()}-${secrets === '' ? 'any' : secrets}`;
        const name = await start(kind, slug, { script: READ, ends, annotations, serviceAccount });
        const { exitCode, message, pod: refused } = await waitUntilRefused(namespace, name);
        assert.notEqual(exitCode, 0);
        assert.match(message, new RegExp(`service account ${namespace}/${serviceAccount}`));
        assert.equal(message.trim().split('\n').length, 1);
        assert.equal(refused.status.containerStatuses?.[0]?.state.running, undefined);
        assert.ok((await kubectl(['describe', 'pod', name, '-n', namespace])).includes(message.trim()));
      });
    }
  }
});

test('a pod that names no service account runs as "default", which is no reader; one that names an absent one is refused', async () => {
  const annotations = { ...INJECT, 'sotto.dev/secrets': 'db', 'sotto.dev/timeout': '3s' };
  await apply(pod(namespace, 'default-account', { annotations, serviceAccount: '' }));
  const { message } = await waitUntilRefused(namespace, 'default-account');
  assert.match(message, new RegExp(`service account ${namespace}/default is not among its readers`));
  await assert.rejects(
    apply(pod(namespace, 'nobody', { serviceAccount: 'nobody' })),
    /service account .*nobody.* not found/,
  );
});
