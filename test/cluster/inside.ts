import * as v from 'valibot';
import { ETCD_URL } from './network.ts';
import type { Layout } from './layout.ts';

const environmentVariables = v.object({
  KUBECONFIG: v.string(),
  SOTTO_CLUSTER_NAME: v.string(),
  SOTTO_CLUSTER_DIR: v.string(),
  SOTTO_CLUSTER_AUDIT_LOG: v.string(),
  SOTTO_CLUSTER_LOG_DIR: v.string(),
  SOTTO_CLUSTER_ETCD_URL: v.string(),
  SOTTO_CLUSTER_ETCD_DIR: v.string(),
  SOTTO_CLUSTER_ETCD_CA: v.string(),
  SOTTO_CLUSTER_ETCD_CERT: v.string(),
  SOTTO_CLUSTER_ETCD_KEY: v.string(),
  SOTTO_CLUSTER_CONTAINERD_DIR: v.string(),
  SOTTO_CLUSTER_KUBELET_DIR: v.string(),
  SOTTO_CLUSTER_POD_LOG_DIR: v.string(),
  SOTTO_CLUSTER_MNT_DIR: v.string(),
});

/** What a program that runs inside the cluster's namespaces (`exec`, `shell`) may want to look at. */
export interface ClusterEnvironment {
  readonly name: string;
  readonly directory: string;
  /** cluster-admin; `kubectl` in PATH uses it. */
  readonly kubeconfig: string;
  /** Every request and answer of the API server, one JSON object a line, written before the request is answered. */
  readonly auditLog: string;
  /** A file for each component of the control plane and the node. */
  readonly logDirectory: string;
  /** Files of a client certificate that may do anything; `/v3/kv/range` of etcd's JSON gateway answers at `url`. */
  readonly etcd: { url: string; dataDirectory: string; ca: string; certificate: string; key: string };
  /** Images, snapshots (the containers' writable layers) and metadata of containerd. */
  readonly containerdDirectory: string;
  /** Volumes that are not memory: emptyDirs on disk, plug-ins, checkpoints of the kubelet. */
  readonly kubeletDirectory: string;
  /** `NAMESPACE_POD_UID/CONTAINER/0.log`. */
  readonly podLogDirectory: string;
  /** Seen as `/mnt` inside; `disks/safe` is there for a local PersistentVolume. */
  readonly mntDirectory: string;
}

export function buildClusterEnvironment(layout: Layout): v.InferOutput<typeof environmentVariables> {
  return {
    KUBECONFIG: layout.adminKubeconfig,
    SOTTO_CLUSTER_NAME: layout.name,
    SOTTO_CLUSTER_DIR: layout.directory,
    SOTTO_CLUSTER_AUDIT_LOG: layout.auditLog,
    SOTTO_CLUSTER_LOG_DIR: layout.logs,
    SOTTO_CLUSTER_ETCD_URL: ETCD_URL,
    SOTTO_CLUSTER_ETCD_DIR: layout.etcd,
    SOTTO_CLUSTER_ETCD_CA: `${layout.pki}/etcd-ca.crt`,
    SOTTO_CLUSTER_ETCD_CERT: `${layout.pki}/etcd-test-client.crt`,
    SOTTO_CLUSTER_ETCD_KEY: `${layout.pki}/etcd-test-client.key`,
    SOTTO_CLUSTER_CONTAINERD_DIR: `${layout.varLib}/containerd`,
    SOTTO_CLUSTER_KUBELET_DIR: `${layout.varLib}/kubelet`,
    SOTTO_CLUSTER_POD_LOG_DIR: `${layout.varLog}/pods`,
    SOTTO_CLUSTER_MNT_DIR: layout.mnt,
  };
}

/** @throws Error that says how to get inside, when the caller runs outside of a cluster. */
export function readClusterEnvironment(env: NodeJS.ProcessEnv): ClusterEnvironment {
  const result = v.safeParse(environmentVariables, env);
  if (!result.success) {
    throw new Error('this runs inside the test cluster only: node test/cluster/main.ts exec -- COMMAND');
  }
  const variables = result.output;
  return {
    name: variables.SOTTO_CLUSTER_NAME,
    directory: variables.SOTTO_CLUSTER_DIR,
    kubeconfig: variables.KUBECONFIG,
    auditLog: variables.SOTTO_CLUSTER_AUDIT_LOG,
    logDirectory: variables.SOTTO_CLUSTER_LOG_DIR,
    etcd: {
      url: variables.SOTTO_CLUSTER_ETCD_URL,
      dataDirectory: variables.SOTTO_CLUSTER_ETCD_DIR,
      ca: variables.SOTTO_CLUSTER_ETCD_CA,
      certificate: variables.SOTTO_CLUSTER_ETCD_CERT,
      key: variables.SOTTO_CLUSTER_ETCD_KEY,
    },
    containerdDirectory: variables.SOTTO_CLUSTER_CONTAINERD_DIR,
    kubeletDirectory: variables.SOTTO_CLUSTER_KUBELET_DIR,
    podLogDirectory: variables.SOTTO_CLUSTER_POD_LOG_DIR,
    mntDirectory: variables.SOTTO_CLUSTER_MNT_DIR,
  };
}
