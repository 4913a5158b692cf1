import { writeFileSync } from 'node:fs';
import { ETCD_URL, NETWORK, NODE_NAME } from './network.ts';
import type { Layout } from './layout.ts';
import type { Command } from './run.ts';

/** Every request and answer in full, Secrets too: tests look in this log for what should not be there. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'RequestResponse' }],
};

/** Durability is of no use to a cluster that is thrown away, and waiting for the disk is most of etcd's time. */
export function buildEtcdCommand(layout: Layout, directory: string): Command {
  return [
    `${directory}/etcd`,
    `--name=${NODE_NAME}`,
    `--data-dir=${layout.etcd}`,
    `--listen-client-urls=${ETCD_URL}`,
    `--advertise-client-urls=${ETCD_URL}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    `--initial-cluster=${NODE_NAME}=http://127.0.0.1:2380`,
    '--client-cert-auth',
    `--trusted-ca-file=${layout.pki}/etcd-ca.crt`,
    `--cert-file=${layout.pki}/etcd-server.crt`,
    `--key-file=${layout.pki}/etcd-server.key`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function buildApiServerCommand(layout: Layout, directory: string): Command {
  const { pki } = layout;
  writeFileSync(`${layout.config}/audit-policy.json`, JSON.stringify(AUDIT_POLICY));
  return [
    `${directory}/kube-apiserver`,
    `--advertise-address=${NETWORK.node}`,
    `--secure-port=${NETWORK.apiServerPort}`,
    `--tls-cert-file=${pki}/api-server.crt`,
    `--tls-private-key-file=${pki}/api-server.key`,
    `--client-ca-file=${pki}/ca.crt`,
    `--etcd-servers=${ETCD_URL}`,
    `--etcd-cafile=${pki}/etcd-ca.crt`,
    `--etcd-certfile=${pki}/api-server-etcd-client.crt`,
    `--etcd-keyfile=${pki}/api-server-etcd-client.key`,
    `--kubelet-certificate-authority=${pki}/ca.crt`,
    `--kubelet-client-certificate=${pki}/api-server-kubelet-client.crt`,
    `--kubelet-client-key=${pki}/api-server-kubelet-client.key`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
    `--proxy-client-key-file=${pki}/front-proxy-client.key`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki}/service-account.pub`,
    `--service-account-signing-key-file=${pki}/service-account.key`,
    `--service-cluster-ip-range=${NETWORK.services}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--audit-policy-file=${layout.config}/audit-policy.json`,
    `--audit-log-path=${layout.auditLog}`,
    '--audit-log-maxsize=100000', // megabytes; a rotated log would have to be searched in pieces
    '--v=2',
  ];
}

export function buildControllerManagerCommand(layout: Layout, directory: string): Command {
  const { pki } = layout;
  return [
    `${directory}/kube-controller-manager`,
    ...buildKubeconfigFlags(layout, 'controller-manager'),
    `--client-ca-file=${pki}/ca.crt`,
    `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
    `--cluster-signing-cert-file=${pki}/ca.crt`,
    `--cluster-signing-key-file=${pki}/ca.key`,
    `--root-ca-file=${pki}/ca.crt`,
    `--service-account-private-key-file=${pki}/service-account.key`,
    '--use-service-account-credentials',
    '--kube-api-qps=200', // at the default of 20 it takes 5 s until all controllers have their service accounts
    '--kube-api-burst=400',
    '--allocate-node-cidrs',
    `--cluster-cidr=${NETWORK.pods}`,
    `--node-cidr-mask-size=${NETWORK.pods.split('/')[1] ?? ''}`,
    `--service-cluster-ip-range=${NETWORK.services}`,
    '--v=2',
  ];
}

export function buildSchedulerCommand(layout: Layout, directory: string): Command {
  return [`${directory}/kube-scheduler`, ...buildKubeconfigFlags(layout, 'scheduler'), '--v=2'];
}

function buildKubeconfigFlags(layout: Layout, user: string): string[] {
  const kubeconfig = `${layout.config}/${user}.kubeconfig`;
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
  ];
}
