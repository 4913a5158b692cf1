import type { Duplex } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { CLI_ROLE, SYSTEM_NAMESPACE } from '../shared/names.ts';
import { explainForbidden } from './explain-kubernetes.ts';
import { Failure } from './failure.ts';
import type { Ask, Client } from './kube-request.ts';
import { openTunnel } from './tunnel.ts';
import { within } from './within.ts';

export interface ForwardOptions {
  readonly ask: Ask;
  readonly pod: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** `get` was the right to forward until Kubernetes 1.35, which asks for `create` as well. */
const FORWARD_VERBS = ['get', 'create'] as const;

/** A connection to a port of a pod. Rejects with a Failure that says whether a right is missing. */
export async function forwardPort(
  client: Client,
  config: KubeConfig,
  options: ForwardOptions,
): Promise<Duplex> {
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
