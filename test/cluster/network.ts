/** Addresses of 198.18.0.0/15, which RFC 2544 reserves for tests: no real network uses them. */
export const NETWORK = {
  node: '198.18.0.1',
  nodeSubnet: '198.18.0.0/24',
  nodeInterface: 'node0',
  pods: '198.18.1.0/24',
  services: '198.19.0.0/24',
  apiServerService: '198.19.0.1',
  dnsService: '198.19.0.10',
  apiServerPort: 6443,
} as const;

export const NODE_NAME = 'node';
export const CLUSTER_DOMAIN = 'cluster.local';
export const API_SERVER_URL = `https://${NETWORK.node}:${NETWORK.apiServerPort}`;
export const ETCD_URL = 'https://127.0.0.1:2379';
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
