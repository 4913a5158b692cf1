import { ClusterError } from './errors.ts';

const BASE = '/var/lib/sotto-cluster';
const MAX_NAME_LENGTH = 30; // a Unix socket's path may have 107 bytes

/** Where a cluster keeps all it has. The paths are true outside and inside its mount namespace. */
export interface Layout {
  readonly name: string;
  readonly base: string;
  readonly directory: string;
  /** A directory of this name, below the root of every cgroup hierarchy, holds all processes of the cluster. */
  readonly cgroup: string;
  readonly stateFile: string;
  readonly ownerFile: string;
  readonly logs: string;
  readonly auditLog: string;
  readonly pki: string;
  readonly config: string;
  readonly adminKubeconfig: string;
  readonly etcd: string;
  /** Seen as `/mnt`, `/run`, `/var/lib` and `/var/log` inside. */
  readonly mnt: string;
  readonly run: string;
  readonly varLib: string;
  readonly varLog: string;
}

/** @throws ClusterError when the name is not a short DNS label, since it becomes part of paths. */
export function buildLayout(name: string): Layout {
  if (name.length > MAX_NAME_LENGTH || !/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    throw new ClusterError('the name of a cluster is a lower-case DNS label of at most 30 characters');
  }
  const directory = `${BASE}/${name}`;
  return {
    name,
    base: BASE,
    directory,
    cgroup: `sotto-cluster-${name}`,
    stateFile: `${directory}/state.json`,
    ownerFile: `${directory}/owner.json`,
    logs: `${directory}/logs`,
    auditLog: `${directory}/logs/audit.log`,
    pki: `${directory}/pki`,
    config: `${directory}/config`,
    adminKubeconfig: `${directory}/config/admin.kubeconfig`,
    etcd: `${directory}/etcd`,
    mnt: `${directory}/mnt`,
    run: `${directory}/run`,
    varLib: `${directory}/var-lib`,
    varLog: `${directory}/var-log`,
  };
}
