import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { readClusterEnvironment } from '../../cluster/inside.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { readEtcd } from '../support/etcd.ts';
import { apply, kubectl, sotto } from '../support/kubectl.ts';
import { createNamespace } from '../support/namespace.ts';
import { INJECT, outputOf, pod, waitUntilRefused, waitUntilStarted, workload } from '../support/pods.ts';
import { callSafe, createToken } from '../support/safe-api.ts';
import { findIn, searchFolders, spellings } from '../support/search.ts';
import { install, killSafe, metricsOf, podsOf, waitUntilReady } from '../support/system.ts';

const cluster = readClusterEnvironment(process.env);
const namespace = await createNamespace('leak');

/** Its characters need escaping in JSON, in URLs and in shells, so that every way of spelling it is another one. */
const CANARY = `canary "/&+ü=${randomBytes(9).toString('hex')}`;
const encoded = Buffer.from(CANARY).toString('base64');
const wanted = [...spellings(CANARY), ...spellings(JSON.stringify(CANARY).slice(1, -1)).slice(0, 1)];
const said: string[] = [];

const SECRET = `/v1/namespaces/${namespace}/secrets/db`;

async function runSotto(args: readonly string[], stdin?: string): Promise<void> {
  const { stdout, stderr } = await sotto(args, stdin);
  said.push(stdout, stderr);
}

/** Every flow that a value goes through, the ones that fail included. */
before(async () => {
  const folder = tempDir({ after: () => undefined });
  await install();
  await runSotto(['put', 'db', '-n', namespace, '--key', 'password', '--reader', 'api'], CANARY);
  writeFileSync(join(folder, 'app.env'), `PASSWORD=${CANARY}\nno such line ${CANARY}\n`);
  await runSotto(['put', 'env', '-n', namespace, `--from-env-file=${folder}/app.env`]);
  await runSotto(['put', 'file', '-n', namespace, `--from-file=${folder}/app.env`, '--reader', '*']);
  await runSotto(['get', 'db', '-n', namespace, '-o', 'yaml']);
  await runSotto(['list', '-A', '-o', 'json']);
  await runSotto(['status', '-o', 'json']);

  const token = await createToken('sotto-system', 'sotto-admin');
  for (const body of [
    `{"data": "${encoded}`,
    `{"data":{"${encoded}":1}}`,
    `{"data":{"a":"${CANARY.slice(0, 6)}${encoded}!"},"x":1}`,
  ]) {
    said.push((await callSafe('PUT', SECRET, { token, body })).text);
  }
  said.push((await callSafe('GET', SECRET, { token })).text);

  const json = { ...INJECT, 'sotto.dev/secrets': 'db', 'sotto.dev/format': 'json' };
  const silent = 'test -s /sotto/db/password';
  await apply(
    workload('Deployment', namespace, 'reads', { script: silent }),
    pod(namespace, 'json', { annotations: json, script: 'test -s /sotto/db.json' }),
    pod(namespace, 'stranger', {
      serviceAccount: 'stranger',
      annotations: { ...INJECT, 'sotto.dev/secrets': 'db', 'sotto.dev/timeout': '2s' },
    }),
  );
  await apply(pod(namespace, 'refused', { annotations: { ...INJECT, 'sotto.dev/format': 'canary' } })).catch(
    () => undefined,
  );
  await waitUntilStarted(namespace, 'json');
  await outputOf(namespace, 'json');
  await waitUntilRefused(namespace, 'stranger');

  await killSafe();
  await waitUntilReady();
  await runSotto(['put', 'db', '-n', namespace, '--key', 'password'], `${CANARY} again`);
  await runSotto(['delete', 'db', '-n', namespace]);
});

suite('a value that went through every flow is found in no place but the memory of who may have it', () => {
  test('not in any key of etcd', async () => {
    let keys = 0;
    for await (const { key, value } of readEtcd(cluster.etcd)) {
      keys += 1;
      assert.deepEqual(findIn(value, wanted), [], key.toString());
    }
    assert.ok(keys > 100);
  });

  test('not in the admission, request and response bodies that the API server audits', () => {
    assert.match(readFileSync(cluster.auditLog, 'utf8'), /patch\.webhook\.admission\.k8s\.io/);
    assert.deepEqual(searchFolders([cluster.auditLog], wanted).found, []);
  });

  test('not in a log of Kubernetes, of Sotto or of an application that did not print it', () => {
    const { found, files } = searchFolders([cluster.logDirectory, cluster.podLogDirectory], wanted);
    assert.deepEqual(found, []);
    assert.ok(files > 5);
  });

  test('not on a disk: Safe’s volume, etcd’s files, the kubelet’s folders, the containers’ layers', () => {
    const folders = [cluster.mntDirectory, cluster.etcd.dataDirectory, cluster.kubeletDirectory];
    const { found, files } = searchFolders(
      [...folders, join(cluster.containerdDirectory, 'io.containerd.metadata.v1.bolt')],
      wanted,
    );
    assert.deepEqual(found, []);
    assert.ok(files > 5);
  });

  test('not in Safe’s volume by its name or its namespace either', () => {
    const names = [namespace, 'password'].flatMap((name) => spellings(name));
    assert.deepEqual(searchFolders([join(cluster.mntDirectory, 'disks')], names).found, []);
  });

  test('not in events, metrics, descriptions, or anything that a command or Safe answered', async () => {
    const pages = await Promise.all(
      [...(await podsOf('sotto-safe')), ...(await podsOf('sotto-webhook'))].map(metricsOf),
    );
    said.push(
      ...pages,
      await kubectl(['get', 'events', '-A', '-o', 'yaml']),
      await kubectl(['describe', 'pods', '-n', namespace]),
    );
    said.push(await kubectl(['get', 'pods', '-A', '-o', 'yaml']));
    assert.deepEqual(findIn(said.join('\n'), wanted), []);
  });

  test('and the search does find it where it is: in the application’s own file', async () => {
    await runSotto(['put', 'shown', '-n', namespace, '--key', 'password', '--reader', 'api'], CANARY);
    await apply(
      pod(namespace, 'shown', {
        script: 'cat /sotto/shown/password',
        annotations: { ...INJECT, 'sotto.dev/secrets': 'shown' },
      }),
    );
    await waitUntilStarted(namespace, 'shown');
    assert.equal(await outputOf(namespace, 'shown'), CANARY);
    const { found } = searchFolders([cluster.podLogDirectory], wanted);
    assert.ok(found.length > 0 && found.every(({ file }) => file.includes(`${namespace}_shown_`)));
  });
});
