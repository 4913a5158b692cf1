import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { SecretReference } from '../shared/grammar.ts';
import {
  ADMIN_SERVICE_ACCOUNT,
  SAFE_HOST,
  SAFE_PORT,
  SYSTEM_NAMESPACE,
  TRUST_BUNDLE_CONFIG_MAP,
} from '../shared/names.ts';
import type { Cluster } from './cluster.ts';
import { explainConnectionError } from './explain-connection.ts';
import { Failure } from './failure.ts';
import type { PodSummary } from './summaries.ts';
import { createSafeClient, type SafeClient } from './safe-client.ts';
import { within } from './within.ts';

export interface ConnectOptions {
  readonly serviceAccount?: SecretReference;
  /** For one request or one handshake; 0 waits for ever. */
  readonly timeoutMs: number;
}

const ADMIN: SecretReference = { namespace: SYSTEM_NAMESPACE, name: ADMIN_SERVICE_ACCOUNT };

/**
 * Reaches Safe: a token for the service account, the authority to trust, a ready pod, a tunnel to it, and TLS inside.
 * The API server and the node only pass on what TLS protects.
 *
 * @throws Failure that says which of them is missing, and whose turn it is.
 */
export async function connectToSafe(cluster: Cluster, options: ConnectOptions): Promise<SafeClient> {
  const { serviceAccount: caller = ADMIN, timeoutMs } = options;
  const [ca, token, pods] = await allOrFirstFailure(
    readTrustBundle(cluster),
    cluster.requestToken(caller),
    cluster.listSafePods(),
  );
  if (token === undefined) throw explainNoAccount(caller, cluster.context);
  if (ca === undefined) throw new Failure('unreachable', explainNoBundle(cluster.context));
  const pod = pickPod(pods);
  const openStream = () => openTls(cluster, { pod: pod.name, ca, timeoutMs });
  return createSafeClient({ openStream, token, caller, timeoutMs });
}

/** Everybody who is signed in may read it, so whoever may not is probably looking at a cluster without Sotto. */
async function readTrustBundle(cluster: Cluster): Promise<string | undefined> {
  try {
    return await cluster.readTrustBundle();
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'forbidden') throw error;
    throw new Failure('forbidden', error.message, {
      advice: `Where Sotto is installed, everybody may: is it, in this cluster (context ${cluster.context})?`,
    });
  }
}

export interface TlsOptions {
  readonly pod: string;
  readonly ca: string;
  readonly timeoutMs: number;
}

/** TLS 1.3 with Safe in that pod. @throws Failure, before anything was sent, when the certificate is not Safe's. */
export async function openTls(cluster: Cluster, { pod, ca, timeoutMs }: TlsOptions): Promise<TLSSocket> {
  const stream = await cluster.openTunnel(pod, SAFE_PORT);
  try {
    return await within(timeoutMs, shakeHands(stream, ca));
  } catch (error) {
    stream.destroy();
    throw explainConnectionError(error, { mayHaveHappened: false });
  }
}

/**
 * Verification is asked for in so many words: else an environment variable of Node's turns it off.
 *
 * @throws what TLS throws, or why the stream ended if it ends first.
 */
export async function shakeHands(stream: Duplex, ca: string): Promise<TLSSocket> {
  if (stream.destroyed) throw lost(stream);
  const socket = connectTls({
    socket: stream,
    ca,
    servername: SAFE_HOST,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
  });
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', reject);
    // TLS closes the stream when it fails, and says why a moment later.
    stream.once('close', () => setImmediate(() => reject(lost(stream))));
  });
}

const lost = (stream: Duplex) => stream.errored ?? new Error('the stream ended');

function pickPod(pods: readonly PodSummary[]): PodSummary {
  const ready = pods.find((pod) => pod.ready);
  if (ready !== undefined) return ready;
  const states = pods.map(({ name, trouble }) => `${name}: ${trouble ?? 'running, not ready'}`).join('; ');
  throw new Failure(
    'unreachable',
    pods.length === 0
      ? `there is no Safe pod in ${SYSTEM_NAMESPACE}: is its StatefulSet scaled to 0?`
      : `no Safe pod is ready (${states})`,
    { advice: 'kubectl sotto status says more' },
  );
}

function explainNoAccount({ namespace, name }: SecretReference, context: string): Failure {
  if (namespace === SYSTEM_NAMESPACE) return new Failure('unreachable', explainNotInstalled(context));
  return new Failure(
    'unreachable',
    `service account ${namespace}/${name} does not exist: kubectl create serviceaccount ${name} -n ${namespace} ` +
      'makes it, and it needs a Role on safesecrets.sotto.dev',
  );
}

const explainNotInstalled = (context: string) =>
  `Sotto is not installed in this cluster (context ${context}): kubectl apply -k installs it; or choose another --context`;

const explainNoBundle = (context: string) =>
  `ConfigMap ${TRUST_BUNDLE_CONFIG_MAP} in ${SYSTEM_NAMESPACE} has no ca.crt (context ${context}): Safe writes it when it ` +
  'starts for the first time';

/** Everything at once; when several fail, the first in order, so that the same trouble always reads the same. */
async function allOrFirstFailure<T extends readonly unknown[]>(
  ...work: { readonly [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return Promise.all(work);
}
