import { writeFileSync } from 'node:fs';
import { CLUSTER_DOMAIN, NETWORK, NODE_NAME } from './network.ts';
import type { ApiServer } from './api-server.ts';
import type { Layout } from './layout.ts';
import type { Command } from './run.ts';

const DNS_PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];

/** Nothing is cached, so that a test never sees what was true a moment ago; a name elsewhere does not exist. */
function buildCorefile(layout: Layout): string {
  return `
${CLUSTER_DOMAIN}:53 in-addr.arpa:53 ip6.arpa:53 {
  bind ${NETWORK.node}
  errors
  kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
    kubeconfig ${layout.config}/coredns.kubeconfig
    pods insecure
  }
}
.:53 {
  bind ${NETWORK.node}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}

/** A process of the node, not a pod: it answers before the first pod could start, and no test can evict it. */
export function buildCoreDnsCommand(layout: Layout, directory: string): Command {
  writeFileSync(`${layout.config}/Corefile`, buildCorefile(layout));
  return [`${directory}/coredns`, '-conf', `${layout.config}/Corefile`];
}

/** The rights of CoreDNS, and the Service at the address that the kubelet writes into every pod's resolv.conf. */
export async function createDnsObjects(api: ApiServer): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await Promise.all([
    api.create(`${rbac}/clusterroles`, CLUSTER_ROLE),
    api.create(`${rbac}/clusterrolebindings`, bindUser('system:coredns', 'system:coredns')),
    api.create('/api/v1/namespaces/kube-system/services', SERVICE),
    api.create('/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices', ENDPOINT_SLICE),
  ]);
}

export function bindUser(user: string, role: string): object {
  const apiGroup = 'rbac.authorization.k8s.io';
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  };
}

const CLUSTER_ROLE = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'system:coredns' },
  rules: [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
};

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  spec: { clusterIP: NETWORK.dnsService, ports: DNS_PORTS },
};

const ENDPOINT_SLICE = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'kube-dns-node',
    namespace: 'kube-system',
    labels: {
      'kubernetes.io/service-name': 'kube-dns',
      'endpointslice.kubernetes.io/managed-by': 'sotto-cluster',
    },
  },
  addressType: 'IPv4',
  endpoints: [{ addresses: [NETWORK.node], conditions: { ready: true }, nodeName: NODE_NAME }],
  ports: DNS_PORTS,
};
