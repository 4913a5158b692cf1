import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { apply, kubectl, waitFor } from './kubectl.ts';

export interface NamespaceOptions {
  /** Labelled for injection unless told otherwise. */
  readonly injection?: boolean;
  /** The Pod Security standard to enforce. */
  readonly podSecurity?: 'restricted' | 'privileged';
}

const account = (namespace: string, name: string) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { namespace, name },
});

/**
 * A namespace of a test file's own, with the service accounts `api` and `stranger`. It goes away with the cluster; its
 * pods are deleted when the file ends, so that the node stays free.
 */
export async function createNamespace(prefix: string, options: NamespaceOptions = {}): Promise<string> {
  const { injection = true, podSecurity = 'restricted' } = options;
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  const labels = {
    'pod-security.kubernetes.io/enforce': podSecurity,
    ...(injection ? { 'sotto.dev/injection': 'enabled' } : {}),
  };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  await apply(account(name, 'api'), account(name, 'stranger'));
  await waitFor(
    `the root certificate of namespace ${name}`,
    async () =>
      (await kubectl([
        'get',
        'configmap',
        'kube-root-ca.crt',
        '-n',
        name,
        '--ignore-not-found',
        '-o',
        'name',
      ])) !== '',
  );
  after(async () => {
    await kubectl(['delete', 'namespace', name, '--wait=false']);
  });
  return name;
}
