import { mkdirSync, writeFileSync } from 'node:fs';
import { CLUSTER_DOMAIN, CONTAINERD_SOCKET, NETWORK, NODE_NAME } from './network.ts';
import { PAUSE_IMAGE } from './images.ts';
import type { Layout } from './layout.ts';
import type { Command } from './run.ts';

/**
 * Version 2 of the format, which containerd 1.x and 2.x read. Without `restrict_oom_score_adj` every sandbox dies where
 * root may not lower that score; and nothing can be pulled, so the sandbox image is one that is imported.
 */
function buildContainerdConfig(layout: Layout, cniPlugins: string): string {
  return `
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "${CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${PAUSE_IMAGE}"
restrict_oom_score_adj = true
tolerate_missing_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${cniPlugins}"
conf_dir = "${layout.config}/cni"
`;
}

/**
 * Each pod has a link to the node, and the node routes: unlike with a bridge, answers of a pod to its neighbour always
 * pass the node's address translation, whether or not the kernel has br_netfilter.
 */
const CNI_CONFIG = {
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: NETWORK.pods }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

export function buildContainerdCommand(layout: Layout, cniPlugins: string): Command {
  mkdirSync(`${layout.config}/cni`, { recursive: true });
  writeFileSync(`${layout.config}/cni/pods.conflist`, JSON.stringify(CNI_CONFIG));
  writeFileSync(`${layout.config}/containerd.toml`, buildContainerdConfig(layout, cniPlugins));
  return ['containerd', '--config', `${layout.config}/containerd.toml`];
}

function buildKubeletConfig(layout: Layout): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${layout.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${layout.pki}/kubelet-server.crt`,
    tlsPrivateKeyFile: `${layout.pki}/kubelet-server.key`,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${layout.cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [NETWORK.dnsService],
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/plugins/volume',
    // The machine's disk and memory are not this cluster's business.
    evictionHard: {
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'memory.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    oomScoreAdj: 0,
  };
}

export function buildKubeletCommand(layout: Layout, directory: string): Command {
  writeFileSync(`${layout.config}/kubelet.json`, JSON.stringify(buildKubeletConfig(layout)));
  return [
    `${directory}/kubelet`,
    `--config=${layout.config}/kubelet.json`,
    `--kubeconfig=${layout.config}/kubelet.kubeconfig`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${NETWORK.node}`,
    '--v=2',
  ];
}

/** Limits of connection tracking belong to the machine, so they stay as they are. */
function buildProxyConfig(layout: Layout): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: NODE_NAME,
    clientConnection: { kubeconfig: `${layout.config}/proxy.kubeconfig` },
    clusterCIDR: NETWORK.pods,
    detectLocalMode: 'ClusterCIDR',
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
  };
}

export function buildProxyCommand(layout: Layout, directory: string): Command {
  writeFileSync(`${layout.config}/proxy.json`, JSON.stringify(buildProxyConfig(layout)));
  return [`${directory}/kube-proxy`, `--config=${layout.config}/proxy.json`, '--v=2'];
}
