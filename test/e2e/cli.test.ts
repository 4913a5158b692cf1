import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../support/temp-dir.ts';
import { apply, kubectl, sotto } from './support/kubectl.ts';
import { createNamespace } from './support/namespace.ts';
import { INJECT, outputOf, pod, waitUntilStarted } from './support/pods.ts';

const namespace = await createNamespace('cli');

async function ok(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await sotto(args, stdin);
  assert.equal(code, 0, stderr);
  return stdout;
}

test('a secret is put from files and an environment file, listed, described, replaced and deleted', async (t) => {
  const folder = tempDir(t);
  writeFileSync(join(folder, 'cert.pem'), 'a certificate\n');
  writeFileSync(join(folder, 'app.env'), 'USER=admin\nPASSWORD=hunter2\n');
  await ok([
    'put',
    'files',
    '-n',
    namespace,
    `--from-file=${folder}/cert.pem`,
    `--from-file=key.pem=${folder}/cert.pem`,
    '--reader',
    'api',
  ]);
  await ok(['put', `${namespace}/env`, `--from-env-file=${folder}/app.env`, '--reader', 'api']);

  const list = JSON.parse(await ok(['list', '-n', namespace, '-o', 'json'])) as {
    items: { name: string; keys: string[] }[];
  };
  assert.deepEqual(
    list.items.map(({ name, keys }) => [name, keys]),
    [
      ['env', ['PASSWORD', 'USER']],
      ['files', ['cert.pem', 'key.pem']],
    ],
  );
  assert.match(await ok(['list', '-A']), new RegExp(`^${namespace} +env +1 `, 'm'));
  assert.match(await ok(['get', 'env', '-n', namespace]), /^NAME +VERSION/m);

  const script = 'cat /sotto/env/USER /sotto/files/cert.pem';
  await apply(
    pod(namespace, 'app', { script, annotations: { ...INJECT, 'sotto.dev/secrets': 'env, files' } }),
  );
  await waitUntilStarted(namespace, 'app');
  assert.equal(await outputOf(namespace, 'app'), 'admina certificate\n');

  const narrower = await sotto(['put', 'env', '-n', namespace, '--key', 'PASSWORD'], 'changed');
  assert.notEqual(narrower.code, 0);
  assert.match(narrower.stderr, /USER/);
  await ok(['put', 'env', '-n', namespace, '--key', 'PASSWORD', '--replace'], 'changed');
  assert.match(await ok(['get', 'env', '-n', namespace, '-o', 'yaml']), /^version: 2$/m);

  await ok(['delete', 'env', '-n', namespace]);
  assert.notEqual((await sotto(['get', 'env', '-n', namespace])).code, 0);
  assert.match(
    await ok(['put', 'env', '-n', namespace, '--key', 'PASSWORD', '-o', 'json'], 'again'),
    /"version": 4/,
  );
});

test('a team administers its own namespace with a service account of its own, and is told what it lacks elsewhere', async () => {
  await kubectl([
    'create',
    'rolebinding',
    'team',
    '-n',
    namespace,
    '--clusterrole=sotto-secrets-admin',
    `--serviceaccount=${namespace}:stranger`,
  ]);
  const team = ['--service-account', `${namespace}/stranger`];
  await ok(['put', 'team', '-n', namespace, '--key', 'a', ...team], 'x');
  const refused = await sotto(['put', 'team', '-n', 'default', '--key', 'a', ...team], 'x');
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /may not get secret default\/team\. .*kubectl create rolebinding/);
});

test('status says that all is well, in one look', async () => {
  const { code, stdout, stderr } = await sotto(['status']);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /safe/i);
  const json = JSON.parse(await ok(['status', '-o', 'json'])) as object;
  assert.ok(Object.keys(json).length > 0);
});

test('what the API server refuses is said with the right that is missing', async () => {
  const refused = await sotto(['list', '-n', namespace, '--service-account', `${namespace}/nobody`]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /nobody/);
});
