import { writeFileSync } from 'node:fs';
import { createAuthority, createSigningKey, type KeyPairPem } from './certificates.ts';
import { API_SERVER_URL, CLUSTER_DOMAIN, NETWORK, NODE_NAME } from './network.ts';
import type { Layout } from './layout.ts';

/** Users of the API server, with the group that gives them their rights by Kubernetes' own bindings. */
const USERS = {
  admin: { commonName: 'admin', organization: 'system:masters' },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  proxy: { commonName: 'system:kube-proxy' },
  kubelet: { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes' },
  coredns: { commonName: 'system:coredns' },
} as const;

/** Writes every key, certificate and kubeconfig of the cluster, for root's eyes only. */
export async function writeCredentials(layout: Layout): Promise<void> {
  const [cluster, etcd, frontProxy, signingKey] = await Promise.all([
    createAuthority('kubernetes-ca'),
    createAuthority('etcd-ca'),
    createAuthority('front-proxy-ca'), // one of its own: whoever has a certificate of it may speak for any user
    createSigningKey(),
  ]);
  const pairs: Record<string, KeyPairPem> = {
    ca: cluster,
    'etcd-ca': etcd,
    'front-proxy-ca': frontProxy,
    'api-server': await cluster.issue({ commonName: 'kube-apiserver' }, buildApiServerNames()),
    'api-server-kubelet-client': await cluster.issue({ commonName: 'kube-apiserver-kubelet-client' }),
    'api-server-etcd-client': await etcd.issue({ commonName: 'kube-apiserver' }),
    'front-proxy-client': await frontProxy.issue({ commonName: 'front-proxy-client' }),
    'etcd-server': await etcd.issue({ commonName: 'etcd' }, ['127.0.0.1', 'localhost']),
    'etcd-test-client': await etcd.issue({ commonName: 'test' }),
    'kubelet-server': await cluster.issue({ commonName: NODE_NAME }, [NETWORK.node, NODE_NAME]),
  };
  for (const [name, pair] of Object.entries(pairs)) writePair(layout, name, pair);
  writePrivate(`${layout.pki}/service-account.key`, signingKey.privateKey);
  writePrivate(`${layout.pki}/service-account.pub`, signingKey.publicKey);
  for (const [user, subject] of Object.entries(USERS)) {
    const pair = await cluster.issue(subject);
    writePair(layout, user, pair);
    writePrivate(
      `${layout.config}/${user}.kubeconfig`,
      JSON.stringify(buildKubeconfig(user, cluster.certificate, pair)),
    );
  }
}

function buildApiServerNames(): string[] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return [
    ...service,
    `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    'localhost',
    '127.0.0.1',
    NETWORK.node,
    NETWORK.apiServerService,
  ];
}

/** JSON is YAML, so that kubectl reads it. */
function buildKubeconfig(user: string, authority: string, pair: KeyPairPem): object {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'sotto', cluster: { server: API_SERVER_URL, 'certificate-authority-data': base64(authority) } },
    ],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': base64(pair.certificate), 'client-key-data': base64(pair.key) },
      },
    ],
    contexts: [{ name: 'sotto', context: { cluster: 'sotto', user } }],
    'current-context': 'sotto',
  };
}

function writePair(layout: Layout, name: string, pair: KeyPairPem): void {
  writePrivate(`${layout.pki}/${name}.crt`, pair.certificate);
  writePrivate(`${layout.pki}/${name}.key`, pair.key);
}

function writePrivate(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o600 });
}
