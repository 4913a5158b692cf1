import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildClusterEnvironment, readClusterEnvironment } from './inside.ts';
import { buildLayout } from './layout.ts';

test('what a session is told about the cluster is what a test reads', () => {
  const environment = readClusterEnvironment({ PATH: '/bin', ...buildClusterEnvironment(buildLayout('a')) });
  assert.equal(environment.name, 'a');
  assert.equal(environment.kubeconfig, '/var/lib/sotto-cluster/a/config/admin.kubeconfig');
  assert.equal(environment.etcd.url, 'https://127.0.0.1:2379');
  assert.equal(environment.podLogDirectory, '/var/lib/sotto-cluster/a/var-log/pods');
});

test('outside of a cluster, the error says how to get inside', () => {
  assert.throws(
    () => readClusterEnvironment({ KUBECONFIG: '/root/.kube/config' }),
    /main\.ts exec -- COMMAND/,
  );
});
