import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import * as v from 'valibot';
import { createApiServer, type Answer, type ApiServer } from './api-server.ts';
import { createCgroups } from './cgroups.ts';
import { buildApiServerCommand, buildControllerManagerCommand } from './control-plane.ts';
import { buildEtcdCommand, buildSchedulerCommand } from './control-plane.ts';
import { createDaemons } from './daemons.ts';
import { bindUser, buildCoreDnsCommand, createDnsObjects } from './dns.ts';
import { importImage } from './images.ts';
import { buildEnterCommand, buildHolderCommand, hasOwnNamespaces, setUpNamespaces } from './namespace.ts';
import { CLUSTER_DOMAIN, NETWORK, NODE_NAME } from './network.ts';
import { buildContainerdCommand, buildKubeletCommand, buildProxyCommand } from './node.ts';
import { waitFor } from './poll.ts';
import { run } from './run.ts';
import { writeState, type ClusterState } from './state.ts';
import type { Entrance } from './namespace.ts';
import type { Layout } from './layout.ts';
import type { Context, Materials } from './prepare.ts';
import type { Command } from './run.ts';

export const START_STEPS = 5;
const DEADLINE_MS = 120_000; // a busy machine takes many times what an idle one does

/** Starts a cluster in an empty directory; returns when it is ready for pods. */
export async function start(layout: Layout, materials: Materials, context: Context): Promise<void> {
  const abandon = new AbortController();
  try {
    await startCluster(layout, materials, {
      ...context,
      signal: AbortSignal.any([context.signal, abandon.signal]),
    });
  } catch (error) {
    abandon.abort(error); // what was waited for at the same time is not waited for any more
    throw error;
  }
}

async function startCluster(layout: Layout, materials: Materials, context: Context): Promise<void> {
  const { progress } = context;
  const state: ClusterState = {
    phase: 'starting',
    daemons: {},
    joinFile: createCgroups(layout.cgroup).create(),
    binaries: materials.binaries.kubernetes,
  };
  const daemons = createDaemons(layout, state, context.path);
  const signal = AbortSignal.any([context.signal, daemons.signal]);

  await progress.step('directories, keys and certificates', async () => {
    makeDirectories(layout);
    writeState(layout, state);
    const { writeCredentials } = await import('./credentials.ts'); // its library takes longer to load than all others
    await writeCredentials(layout);
  });
  const entrance = await progress.step('network and mount namespace', async () => {
    const holderPid = daemons.start('holder', buildHolderCommand(state.joinFile));
    const made: Entrance = { holderPid, joinFile: state.joinFile };
    await waitFor('the namespaces', () => hasOwnNamespaces(holderPid), {
      deadlineMs: 10_000,
      everyMs: 5,
      signal,
    });
    await setUpNamespaces(layout, made, signal);
    return made;
  });

  const startInside = (name: string, command: Command) =>
    daemons.start(name, buildEnterCommand(entrance, command));
  const starting = {
    layout,
    entrance,
    materials,
    signal,
    startInside,
    api: createApiServer(layout, entrance),
  };
  await progress.step('etcd, API server and containerd', () => startServers(starting));
  await progress.step('controllers, scheduler, kubelet, kube-proxy and CoreDNS', () =>
    startClients(starting),
  );
  await progress.step('the node, its DNS and the default service account', () => waitUntilReady(starting));
  writeState(layout, { ...state, phase: 'up' });
}

interface Starting {
  readonly layout: Layout;
  readonly entrance: Entrance;
  readonly materials: Materials;
  readonly signal: AbortSignal;
  readonly api: ApiServer;
  startInside(name: string, command: Command): number;
}

/** The local PersistentVolume's directory is like one that an administrator has prepared for any user. */
function makeDirectories(layout: Layout): void {
  const { logs, pki, config, etcd, mnt, run: runDirectory, varLib, varLog } = layout;
  for (const directory of [logs, pki, config, etcd]) mkdirSync(directory, { mode: 0o700 });
  for (const directory of [varLib, varLog, runDirectory]) mkdirSync(directory, { mode: 0o755 });
  mkdirSync(`${mnt}/disks/safe`, { recursive: true, mode: 0o755 });
  chmodSync(`${mnt}/disks/safe`, 0o777);
}

async function startServers({ layout, materials, startInside, ...starting }: Starting): Promise<void> {
  const { api, signal, entrance } = starting;
  startInside('etcd', buildEtcdCommand(layout, materials.binaries.etcd));
  startInside('kube-apiserver', buildApiServerCommand(layout, materials.binaries.kubernetes));
  startInside('containerd', buildContainerdCommand(layout, materials.cniPlugins));

  const importImages = async () => {
    const hasSocket = () => (existsSync(`${layout.run}/containerd/containerd.sock`) ? true : undefined);
    await waitFor('containerd', hasSocket, {
      deadlineMs: DEADLINE_MS,
      signal,
      log: `${layout.logs}/containerd.log`,
    });
    for (const archive of materials.archives) {
      await importImage(archive, entrance, { log: `${layout.logs}/images.log`, signal });
    }
  };
  const isApiServerReady = async () => ((await api.get('/readyz'))?.status === 200 ? true : undefined);
  const log = `${layout.logs}/kube-apiserver.log`;
  await Promise.all([
    importImages(),
    waitFor('the API server', isApiServerReady, { deadlineMs: DEADLINE_MS, everyMs: 100, signal, log }),
  ]);
}

async function startClients({ layout, materials, startInside, api }: Starting): Promise<void> {
  const { kubernetes, coredns } = materials.binaries;
  startInside('kubelet', buildKubeletCommand(layout, kubernetes));
  startInside('kube-controller-manager', buildControllerManagerCommand(layout, kubernetes));
  startInside('kube-proxy', buildProxyCommand(layout, kubernetes));
  startInside('kube-scheduler', buildSchedulerCommand(layout, kubernetes));
  await createDnsObjects(api);
  await api.create(
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    bindUser('kube-apiserver-kubelet-client', 'system:kubelet-api-admin'),
  );
  startInside('coredns', buildCoreDnsCommand(layout, coredns));
}

async function waitUntilReady({ layout, api, entrance, signal }: Starting): Promise<void> {
  const exists = (path: string) => async () => ((await api.get(path))?.status === 200 ? true : undefined);
  const answersDns = () => {
    const query: Command = [
      'busybox',
      'nslookup',
      '-type=a',
      `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
      NETWORK.dnsService,
    ];
    return run(buildEnterCommand(entrance, query), { signal }).then(
      () => true as const,
      () => undefined,
    );
  };
  const wait = (what: string, ask: () => Promise<true | undefined>, component: string) =>
    waitFor(what, ask, {
      deadlineMs: DEADLINE_MS,
      everyMs: 100,
      signal,
      log: `${layout.logs}/${component}.log`,
    });
  const defaultNamespace = '/api/v1/namespaces/default';
  await Promise.all([
    wait(
      'the node to be Ready',
      async () => isNodeReady(await api.get(`/api/v1/nodes/${NODE_NAME}`)),
      'kubelet',
    ),
    wait(
      'the default service account',
      exists(`${defaultNamespace}/serviceaccounts/default`),
      'kube-controller-manager',
    ),
    wait(
      'kube-root-ca.crt',
      exists(`${defaultNamespace}/configmaps/kube-root-ca.crt`),
      'kube-controller-manager',
    ),
    wait('CoreDNS to answer at its Service', answersDns, 'coredns'),
  ]);
}

const readyNode = v.object({
  spec: v.object({ taints: v.optional(v.pipe(v.array(v.unknown()), v.length(0))) }),
  status: v.object({ conditions: v.array(v.object({ type: v.string(), status: v.string() })) }),
});

/** Ready, and open to pods: the taint of a node that is not ready goes a moment after the condition has come. */
function isNodeReady(answer: Answer | undefined): true | undefined {
  if (answer?.status !== 200) return undefined;
  const node = v.safeParse(readyNode, JSON.parse(answer.body));
  if (!node.success) return undefined;
  const isReady = node.output.status.conditions.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
  return isReady ? true : undefined;
}
