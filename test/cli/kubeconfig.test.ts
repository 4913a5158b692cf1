import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { loadKubeconfig, type Environment, type KubeconfigOptions } from '../../cli/kubeconfig.ts';
import { tempDir } from '../support/temp-dir.ts';

const load = (options: KubeconfigOptions, environment: Environment) =>
  loadKubeconfig(() => new KubeConfig(), options, environment);

function write(t: TestContext, name: string, server: string, currentContext = name): string {
  const path = join(tempDir(t), 'config');
  const config = {
    'current-context': currentContext,
    clusters: [{ name: 'shared', cluster: { server } }],
    users: [{ name: 'shared', user: { token: server } }],
    contexts: [{ name, context: { cluster: 'shared', user: 'shared', namespace: name } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

test('--kubeconfig wins over KUBECONFIG, which wins over the file in the home', (t) => {
  const [given, variable] = [write(t, 'given', 'https://given'), write(t, 'variable', 'https://variable')];
  const home = tempDir(t);
  mkdirSync(join(home, '.kube'));
  writeFileSync(
    join(home, '.kube', 'config'),
    JSON.stringify({
      'current-context': 'home',
      clusters: [{ name: 'c', cluster: { server: 'https://home' } }],
      contexts: [{ name: 'home', context: { cluster: 'c' } }],
    }),
  );
  const environment = { KUBECONFIG: variable, HOME: home };
  assert.equal(load({ kubeconfig: given }, environment).currentContext, 'given');
  assert.equal(load({}, environment).currentContext, 'variable');
  assert.equal(load({}, { HOME: home }).currentContext, 'home');
});

test('of several files the first to say something wins, and files that are missing are skipped, as with kubectl', (t) => {
  const files = ['/does/not/exist', write(t, 'a', 'https://a'), write(t, 'b', 'https://b')];
  const environment = { KUBECONFIG: files.join(delimiter) };
  const config = load({}, environment);
  assert.equal(config.currentContext, 'a');
  assert.equal(config.getCurrentCluster()?.server, 'https://a');
  assert.equal(load({ context: 'b' }, environment).getContextObject('b')?.namespace, 'b');
});

test('a current context may come from a later file', (t) => {
  const files = [write(t, 'a', 'https://a', ''), write(t, 'b', 'https://b')];
  assert.equal(load({}, { KUBECONFIG: files.join(delimiter) }).currentContext, 'b');
});

test('what is missing is named', (t) => {
  const path = write(t, 'a', 'https://a', '');
  assert.throws(() => load({}, {}), {
    kind: 'unreachable',
    message: /^there is no kubeconfig: set KUBECONFIG or give --kubeconfig/,
  });
  assert.throws(() => load({}, { KUBECONFIG: '/does/not/exist' }), { kind: 'unreachable' });
  assert.throws(() => load({ kubeconfig: '/does/not/exist' }, {}), {
    kind: 'usage',
    message: /^the kubeconfig file is not there/,
  });
  assert.throws(() => load({ kubeconfig: path }, {}), {
    kind: 'usage',
    message: /^the kubeconfig has no current context/,
  });
  assert.throws(() => load({ kubeconfig: path, context: 'Canary' }, {}), {
    kind: 'usage',
    message: /^the kubeconfig has no context of the name given by --context/,
  });
});

test('a file that is no kubeconfig is called that, and nothing of it is repeated', (t) => {
  const path = join(tempDir(t), 'config');
  for (const text of [
    'users: [{name: x, user: {token: Canary',
    '',
    'Canary',
    '{"clusters":[{"Canary":1}]}',
  ]) {
    writeFileSync(path, text);
    assert.throws(
      () => load({ kubeconfig: path }, {}),
      (error: Error) => !error.message.includes('Canary'),
    );
  }
});

test('a context whose cluster is not in the file is refused', (t) => {
  const path = join(tempDir(t), 'config');
  writeFileSync(
    path,
    JSON.stringify({ 'current-context': 'a', contexts: [{ name: 'a', context: { cluster: 'gone' } }] }),
  );
  assert.throws(() => load({ kubeconfig: path }, {}), {
    kind: 'usage',
    message: /names a cluster that the kubeconfig does not have$/,
  });
});
