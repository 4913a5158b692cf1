import type { Cluster } from '../../../cli/cluster.ts';
import type { PodSummary } from '../../../cli/summaries.ts';

export const READY_POD: PodSummary = {
  name: 'sotto-safe-0',
  ready: true,
  restarts: 0,
  image: 'sotto.dev/sotto:0.1.0',
  createdAt: new Date('2026-11-24T08:00:00Z'),
  trouble: undefined,
};

/** A cluster in which all is well, but for what is given; there is nothing at the end of its tunnels. */
export const fakeCluster = (changes: Partial<Cluster> = {}): Cluster => ({
  namespace: 'default',
  context: 'test',
  requestToken: () => Promise.resolve('T0ken'),
  readTrustBundle: () => Promise.resolve('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n'),
  listSafePods: () => Promise.resolve([READY_POD]),
  openTunnel: () => Promise.reject(new Error('there is nothing at the end of this tunnel')),
  readVersion: () => Promise.resolve('v1.37.2'),
  readWebhookReplicas: () => Promise.resolve({ desired: 2, ready: 2, image: 'sotto.dev/sotto:0.1.0' }),
  readCaBundles: () => Promise.resolve(['-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n']),
  listVolumeClaims: () => Promise.resolve([{ name: 'data-sotto-safe-0', phase: 'Bound', capacity: '1Gi' }]),
  listInjectedNamespaces: () => Promise.resolve(['payments', 'shop']),
  ...changes,
});
