import type { Duplex } from 'node:stream';
import type { ConfigurationOptions, KubeConfig } from '@kubernetes/client-node';
import type { SecretReference } from '../shared/grammar.ts';
import {
  ADMIN_SERVICE_ACCOUNT,
  ADMINISTRATOR_ROLE,
  AUDIENCE,
  CLI_ROLE,
  INJECTION_LABEL,
  SAFE_SERVICE,
  SYSTEM_NAMESPACE,
  TRUST_BUNDLE_CONFIG_MAP,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
} from '../shared/names.ts';
import { explainForbidden, explainKubernetesError, type KubernetesRequest } from './explain-kubernetes.ts';
import { Failure } from './failure.ts';
import { loadKubeconfig, type Environment, type KubeconfigOptions } from './kubeconfig.ts';
import {
  buildPodSummary,
  buildReplicas,
  buildVolumeClaim,
  type PodSummary,
  type Replicas,
  type VolumeClaim,
} from './summaries.ts';
import { openTunnel } from './tunnel.ts';
import { within } from './within.ts';

/**
 * What the CLI asks of the Kubernetes API, with the rights of the user's kubeconfig. Every method throws a Failure with
 * a sentence for the person; undefined means that the object does not exist.
 */
export interface Cluster {
  /** The namespace that the context of the kubeconfig names. */
  readonly namespace: string;
  readonly context: string;
  /** A token for Safe, of that service account, good for ten minutes. */
  requestToken(serviceAccount: SecretReference): Promise<string | undefined>;
  /** PEM of the authority that Safe's certificate comes from. */
  readTrustBundle(): Promise<string | undefined>;
  listSafePods(): Promise<PodSummary[]>;
  openTunnel(pod: string, port: number): Promise<Duplex>;
  readVersion(): Promise<string>;
  readWebhookReplicas(): Promise<Replicas | undefined>;
  /** PEM, one of each webhook in our configuration. */
  readCaBundles(): Promise<string[] | undefined>;
  listVolumeClaims(): Promise<VolumeClaim[]>;
  listInjectedNamespaces(): Promise<string[]>;
}

export interface ClusterOptions extends KubeconfigOptions {
  /** For one request; 0 waits for ever. */
  readonly timeoutMs: number;
}

const TOKEN_SECONDS = 600;

/** The client library takes as long to import as everything else together, so it is imported here and nowhere earlier. */
const importClient = () => import('@kubernetes/client-node');

type Client = Awaited<ReturnType<typeof importClient>>;

/** Makes one request; `options` carry its deadline. */
type Call<T> = (options: ConfigurationOptions) => Promise<T>;

type Ask = <T>(request: KubernetesRequest, call: Call<T>) => Promise<T>;

/** Loads the kubeconfig. Nothing is asked yet. */
export async function openCluster(options: ClusterOptions, environment: Environment): Promise<Cluster> {
  const client = await importClient();
  const config = loadKubeconfig(() => new client.KubeConfig(), options, environment);
  const ask: Ask = (request, call) =>
    call(buildDeadline(client, options.timeoutMs)).catch((error: unknown) => {
      throw explainKubernetesError(error, request);
    });
  const context = config.getContextObject(config.currentContext);
  return {
    namespace: context?.namespace ?? 'default',
    context: config.currentContext,
    ...buildConnecting(client, config, ask),
    ...buildLooking(client, config, ask),
    openTunnel: (pod, port) => forward(client, config, { ask, pod, port, timeoutMs: options.timeoutMs }),
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

/** What only `status` looks at. */
function buildLooking(
  client: Client,
  config: KubeConfig,
  ask: Ask,
): Omit<Cluster, 'namespace' | 'context' | 'openTunnel' | keyof ReturnType<typeof buildConnecting>> {
  const core = config.makeApiClient(client.CoreV1Api);
  const apps = config.makeApiClient(client.AppsV1Api);
  const admission = config.makeApiClient(client.AdmissionregistrationV1Api);
  const version = config.makeApiClient(client.VersionApi);
  const namespace = SYSTEM_NAMESPACE;
  return {
    readVersion: async () =>
      (await ask({ verb: 'get', resource: '/version' }, (options) => version.getCode(options))).gitVersion,
    readWebhookReplicas: async () => {
      const name = WEBHOOK_SERVICE;
      const deployment = await ifFound(
        ask({ verb: 'get', resource: 'deployments.apps', name, namespace }, (options) =>
          apps.readNamespacedDeployment({ name, namespace }, options),
        ),
      );
      return deployment && buildReplicas(deployment);
    },
    readCaBundles: async () => {
      const name = WEBHOOK_CONFIGURATION;
      const resource = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
      const configuration = await ifFound(
        ask({ verb: 'get', resource, name }, (options) =>
          admission.readMutatingWebhookConfiguration({ name }, options),
        ),
      );
      return configuration?.webhooks?.map(({ clientConfig }) => decodeBase64(clientConfig.caBundle));
    },
    listVolumeClaims: async () => {
      const { items } = await ask(
        { verb: 'list', resource: 'persistentvolumeclaims', namespace },
        (options) => core.listNamespacedPersistentVolumeClaim({ namespace }, options),
      );
      return items.map(buildVolumeClaim);
    },
    listInjectedNamespaces: async () => {
      const labelSelector = `${INJECTION_LABEL}=enabled`;
      const { items } = await ask({ verb: 'list', resource: 'namespaces' }, (options) =>
        core.listNamespace({ labelSelector }, options),
      );
      return items.map(({ metadata }) => metadata?.name ?? '');
    },
  };
}

interface ForwardOptions {
  readonly ask: Ask;
  readonly pod: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** `get` was the right to forward until Kubernetes 1.35, which asks for `create` as well. */
const FORWARD_VERBS = ['get', 'create'] as const;

async function forward(client: Client, config: KubeConfig, options: ForwardOptions): Promise<Duplex> {
  const { pod, port, timeoutMs } = options;
  const tunnel = openTunnel(new client.PortForward(config), pod, port);
  try {
    return await within(timeoutMs, tunnel, (late) => late.destroy());
  } catch (error) {
    throw await explainForward(client, config, options, error);
  }
}

/** A WebSocket that is refused says only that; so the API server is asked whether a right is missing. */
async function explainForward(
  client: Client,
  config: KubeConfig,
  { ask, pod }: ForwardOptions,
  error: unknown,
): Promise<Failure> {
  const authorization = config.makeApiClient(client.AuthorizationV1Api);
  for (const verb of FORWARD_VERBS) {
    const resourceAttributes = {
      verb,
      resource: 'pods',
      subresource: 'portforward',
      namespace: SYSTEM_NAMESPACE,
    };
    const review = await ask({ verb: 'create', resource: 'selfsubjectaccessreviews' }, (options) =>
      authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } }, options),
    );
    if (review.status?.allowed === false)
      return explainForbidden({ ...resourceAttributes, verb, role: CLI_ROLE });
  }
  return new Failure(
    'unreachable',
    `the API server opens no port-forward to pod ${pod} in ${SYSTEM_NAMESPACE}: is its node up, and does a proxy on the way let WebSockets through?`,
    { cause: error },
  );
}

/** client-node sends a request's signal on, but has no option to give one. */
function buildDeadline({ Observable }: Client, timeoutMs: number): ConfigurationOptions {
  if (timeoutMs === 0) return {};
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre: (context) => {
          context.setSignal(AbortSignal.timeout(timeoutMs));
          return new Observable(Promise.resolve(context));
        },
        post: (context) => new Observable(Promise.resolve(context)),
      },
    ],
  };
}

async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not_found') return undefined;
    throw error;
  }
}

const decodeBase64 = (text = '') => Buffer.from(text, 'base64').toString('utf8');
