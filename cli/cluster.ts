import type { Duplex } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import type { SecretReference } from '../shared/grammar.ts';
import {
  ADMIN_SERVICE_ACCOUNT,
  ADMINISTRATOR_ROLE,
  AUDIENCE,
  CLI_ROLE,
  SAFE_SERVICE,
  SYSTEM_NAMESPACE,
  TRUST_BUNDLE_CONFIG_MAP,
} from '../shared/names.ts';
import { createClusterState, type ClusterState } from './cluster-state.ts';
import type { KubernetesRequest } from './explain-kubernetes.ts';
import { ifFound } from './failure.ts';
import { createAsk, importClient, type Ask, type Client } from './kube-request.ts';
import { loadKubeconfig, type Environment, type KubeconfigOptions } from './kubeconfig.ts';
import { forwardPort } from './port-forward.ts';
import { buildPodSummary, type PodSummary } from './summaries.ts';

/**
 * What the CLI asks of the Kubernetes API, with the rights of the user's kubeconfig. Every method throws a Failure with
 * a sentence for the person; undefined means that the object does not exist.
 */
export interface Cluster extends ClusterState {
  /** The namespace that the context of the kubeconfig names. */
  readonly namespace: string;
  readonly context: string;
  /** A token for Safe, of that service account, good for ten minutes. */
  requestToken(serviceAccount: SecretReference): Promise<string | undefined>;
  /** PEM of the authority that Safe's certificate comes from. */
  readTrustBundle(): Promise<string | undefined>;
  listSafePods(): Promise<PodSummary[]>;
  openTunnel(pod: string, port: number): Promise<Duplex>;
}

export interface ClusterOptions extends KubeconfigOptions {
  /** For one request; 0 waits for ever. */
  readonly timeoutMs: number;
}

const TOKEN_SECONDS = 600;

/** Loads the kubeconfig. Nothing is asked yet. */
export async function openCluster(options: ClusterOptions, environment: Environment): Promise<Cluster> {
  const client = await importClient();
  const config = loadKubeconfig(() => new client.KubeConfig(), options, environment);
  const ask = createAsk(client, options.timeoutMs);
  const context = config.getContextObject(config.currentContext);
  return {
    namespace: context?.namespace ?? 'default',
    context: config.currentContext,
    ...buildConnecting(client, config, ask),
    ...createClusterState(client, config, ask),
    openTunnel: (pod, port) => forwardPort(client, config, { ask, pod, port, timeoutMs: options.timeoutMs }),
  };
}

/** What it takes to reach Safe. */
function buildConnecting(
  client: Client,
  config: KubeConfig,
  ask: Ask,
): Pick<Cluster, 'requestToken' | 'readTrustBundle' | 'listSafePods'> {
  const core = config.makeApiClient(client.CoreV1Api);
  const namespace = SYSTEM_NAMESPACE;
  return {
    requestToken: async (account) => {
      const request: KubernetesRequest = {
        verb: 'create',
        resource: 'serviceaccounts',
        subresource: 'token',
        ...account,
        ...(isAdmin(account) && { role: ADMINISTRATOR_ROLE }),
      };
      const body = { spec: { audiences: [AUDIENCE], expirationSeconds: TOKEN_SECONDS } };
      const answer = await ifFound(
        ask(request, (options) => core.createNamespacedServiceAccountToken({ ...account, body }, options)),
      );
      return answer?.status?.token;
    },
    readTrustBundle: async () => {
      const name = TRUST_BUNDLE_CONFIG_MAP;
      const map = await ifFound(
        ask({ verb: 'get', resource: 'configmaps', name, namespace }, (options) =>
          core.readNamespacedConfigMap({ name, namespace }, options),
        ),
      );
      return map?.data?.['ca.crt'];
    },
    listSafePods: async () => {
      const labelSelector = `app.kubernetes.io/name=${SAFE_SERVICE}`;
      const { items } = await ask({ verb: 'list', resource: 'pods', namespace, role: CLI_ROLE }, (options) =>
        core.listNamespacedPod({ namespace, labelSelector }, options),
      );
      return items.map(buildPodSummary);
    },
  };
}

const isAdmin = ({ namespace, name }: SecretReference) =>
  namespace === SYSTEM_NAMESPACE && name === ADMIN_SERVICE_ACCOUNT;
