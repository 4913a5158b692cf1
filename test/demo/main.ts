import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readClusterEnvironment } from '../cluster/inside.ts';
import { readEtcd } from '../e2e/support/etcd.ts';
import { apply, get, kubectl, run, sotto } from '../e2e/support/kubectl.ts';
import {
  isInjected,
  pod,
  podOf,
  waitUntilRefused,
  waitUntilStarted,
  workload,
  outputOf,
} from '../e2e/support/pods.ts';
import { findIn, searchFolders, spellings } from '../e2e/support/search.ts';
import { countReviews, install, killSafe, podsOf, uninstall, waitUntilReady } from '../e2e/support/system.ts';
import { createStory } from './story.ts';

const cluster = readClusterEnvironment(process.env);
const isColoured = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
const story = createStory((text) => process.stdout.write(text), isColoured);
const { step, command, show } = story;

const VALUE = `correct-horse-${randomBytes(6).toString('hex')}`;
const REPORT = 'for f in /sotto/*/*; do echo "$f: $(cat $f)"; done; grep " /sotto " /proc/mounts';
const reset = async () => {
  await kubectl(['delete', 'namespace', 'shop', 'quiet', '--ignore-not-found', '--wait=true']);
  await uninstall();
  await run('sh', ['-c', 'rm -rf /mnt/disks/safe/*']);
};

await reset();

await step('A real Kubernetes node is Ready.', async () => {
  show(
    await kubectl(['get', 'nodes', '--no-headers', '-o', 'wide']).then((line) =>
      line
        .split(/\s{2,}/)
        .slice(0, 5)
        .join('   '),
    ),
  );
  assert.match(await kubectl(['get', 'nodes']), / Ready /);
});

await step(
  'Sotto is installed, and ready.',
  async () => {
    command('kubectl apply -k manifests/overlays/demo');
    await install();
    show(await kubectl(['get', 'pods', '-n', 'sotto-system']));
  },
  true,
);

await step('A secret is stored, from standard input: it is in no argument and in no file.', async () => {
  await kubectl(['create', 'namespace', 'shop']);
  await kubectl(['create', 'serviceaccount', 'api', '-n', 'shop']);
  command('printf %s "$PASSWORD" | kubectl sotto put db -n shop --key password --reader api');
  const put = await sotto(['put', 'db', '-n', 'shop', '--key', 'password', '--reader', 'api'], VALUE);
  assert.equal(put.code, 0, put.stderr);
  show(put.stdout + put.stderr);
});

await step('The namespace opts in.', async () => {
  command('kubectl label namespace shop sotto.dev/injection=enabled');
  show(await kubectl(['label', 'namespace', 'shop', 'sotto.dev/injection=enabled']));
});

await step(
  'An annotated Deployment starts, and finds the secret as a file in memory.',
  async () => {
    await apply(workload('Deployment', 'shop', 'api', { script: REPORT }));
    const { metadata } = await podOf('shop', 'api');
    await waitUntilStarted('shop', metadata.name);
    command('kubectl logs deployment/api -n shop');
    const log = await outputOf('shop', metadata.name);
    show(log);
    assert.match(log, new RegExp(`^/sotto/db/password: ${VALUE}$`, 'm'));
    assert.match(log, /^tmpfs \/sotto tmpfs ro\b.*\bnoswap\b/m);
  },
  true,
);

await step(
  'A pod that did not ask is untouched, and an unlabelled namespace never reaches the webhook.',
  async () => {
    await kubectl(['create', 'namespace', 'quiet']);
    await kubectl(['create', 'serviceaccount', 'api', '-n', 'quiet']);
    const before = await countReviews();
    assert.ok(before > 0);
    await apply(pod('shop', 'plain', { annotations: {} }), pod('quiet', 'annotated'));
    for (const [namespace, name] of [
      ['shop', 'plain'],
      ['quiet', 'annotated'],
    ] as const) {
      const started = await waitUntilStarted(namespace, name);
      assert.ok(!isInjected(started));
    }
    const asked = (await countReviews()) - before;
    show(`shop/plain and quiet/annotated run without sotto-init; the webhook was asked ${asked} times`);
    assert.equal(asked, 0);
  },
);

await step('A pod whose service account is not a reader stays in Init, and says why.', async () => {
  await kubectl(['create', 'serviceaccount', 'stranger', '-n', 'shop']);
  const annotations = { 'sotto.dev/inject': 'true', 'sotto.dev/secrets': 'db', 'sotto.dev/timeout': '3s' };
  await apply(pod('shop', 'stranger', { annotations, serviceAccount: 'stranger' }));
  const { message } = await waitUntilRefused('shop', 'stranger');
  command('kubectl describe pod stranger -n shop');
  const described = await kubectl(['describe', 'pod', 'stranger', '-n', 'shop']);
  show(`Status:   ${/^Status: +(.*)$/m.exec(described)?.[1] ?? ''}`);
  show(`Message:  ${/^ +Message: +(.*)$/m.exec(described)?.[1] ?? ''}`);
  assert.ok(described.includes(message.trim()));
  assert.match(message, /shop\/db/);
});

await step('The value is nowhere else: not in etcd, not on a disk, not in a log.', async () => {
  const wanted = spellings(VALUE);
  let keys = 0;
  for await (const { key, value } of readEtcd(cluster.etcd)) {
    keys += 1;
    assert.deepEqual(findIn(value, wanted), [], `etcd ${key.toString()}`);
  }
  const logs = searchFolders([cluster.auditLog, cluster.logDirectory], wanted);
  const disks = searchFolders(
    [cluster.mntDirectory, cluster.etcd.dataDirectory, cluster.kubeletDirectory],
    wanted,
  );
  const ours = searchFolders([cluster.podLogDirectory], wanted).found.filter(
    ({ file }) => !file.includes('/shop_api-'),
  );
  assert.deepEqual([...logs.found, ...disks.found, ...ours], []);
  const megabytes = ((logs.bytes + disks.bytes) / 1e6).toFixed(0);
  show(
    `searched ${keys} keys of etcd and ${logs.files + disks.files} files (${megabytes} MB) for ${wanted.length} spellings of it`,
  );
});

await step(
  'Safe is killed with kill -9. The application keeps its files; Safe comes back by itself, with everything.',
  async () => {
    const app = await podOf('shop', 'api');
    await killSafe();
    assert.equal(
      await kubectl(['exec', app.metadata.name, '-n', 'shop', '--', 'cat', '/sotto/db/password']),
      VALUE,
    );
    await apply(pod('shop', 'after', { script: REPORT }));
    await waitUntilStarted('shop', 'after');
    assert.match(await outputOf('shop', 'after'), new RegExp(`^/sotto/db/password: ${VALUE}$`, 'm'));
    await waitUntilReady();
    const [again] = await podsOf('sotto-safe');
    show(
      `Safe was restarted ${again?.status.containerStatuses?.[0]?.restartCount ?? 0} time; a new pod has its secret`,
    );
  },
  true,
);

const { items } = await get<{ items: unknown[] }>(['pods', '-A']);
story.say(`
All of it is true. ${items.length} pods run on the node; it stays up for you to look around:
  make shell                                   a shell with kubectl, inside
  kubectl get pods -A                          what runs
  kubectl sotto list -A                        the secrets, without their values
  kubectl logs -n sotto-system sotto-safe-0    Safe's log, with a line for every fetch
  make cluster-down                            stop it; nothing is left behind`);
