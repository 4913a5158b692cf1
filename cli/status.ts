import { PROBE_PORT } from '../shared/names.ts';
import type { CommonOptions } from './arguments.ts';
import { buildCheck, buildFailedCheck, type Check, type CheckName } from './check.ts';
import {
  checkCertificate,
  checkInjection,
  checkNoPod,
  checkPod,
  checkVolume,
  checkWebhook,
  checkWebhookTrust,
} from './checks.ts';
import type { Cluster } from './cluster.ts';
import { openTls } from './connect.ts';
import { Failure } from './failure.ts';
import { createHttpClient } from './http-client.ts';
import type { CommandPorts } from './ports.ts';
import { printable, renderDocument } from './print.ts';
import { renderTable } from './table.ts';

export interface StatusPorts extends CommandPorts {
  readonly cluster: Cluster;
  readonly clientVersion: string;
  readonly timeoutMs: number;
}

/**
 * Tells whether Sotto is healthy. Every check stands alone: what may not be looked at is `unknown` and the others go on.
 *
 * @throws Failure `negative` when something failed, `forbidden` when nothing at all could be looked at, and
 * `unreachable` when there is no API server to ask.
 */
export async function status(options: CommonOptions, ports: StatusPorts): Promise<void> {
  const { cluster, clientVersion, out } = ports;
  const { output = 'table' } = options;
  if (output === 'name') throw new Failure('usage', 'status has no -o name');
  const kubernetes = await cluster.readVersion();
  const versions = `Kubernetes ${kubernetes}, kubectl sotto ${clientVersion}, context ${cluster.context}`;
  const checks = await look(options, ports);
  const healthy = checks.every(({ state }) => state !== 'failed');
  out(
    output === 'table'
      ? renderChecks([buildCheck('kubernetes', true, versions), ...checks])
      : renderDocument({ healthy, versions: { client: clientVersion, kubernetes }, checks }, output),
  );
  const failed = checks.filter(({ state }) => state === 'failed');
  if (failed.length > 0) throw new Failure('negative', `not healthy: ${failed.map(titleOf).join(', ')}`);
  if (checks.every(({ state }) => state === 'unknown')) {
    throw new Failure(
      'forbidden',
      'you may not look at any of this, so whether Sotto is healthy is not known',
    );
  }
}

/** All at once; in the order of the answer. */
async function look(options: CommonOptions, ports: StatusPorts): Promise<Check[]> {
  const { cluster, now } = ports;
  const pods = share(cluster.listSafePods());
  const trustBundle = share(cluster.readTrustBundle());
  const checks = await Promise.all([
    attempt('safe_pod', async () => {
      const found = await pods;
      if (found.length === 0) return [checkNoPod()];
      return Promise.all(found.map(async (pod) => checkPod(pod, await askReadiness(pod, ports), now())));
    }),
    attempt('safe_certificate', async () => {
      const [ready, ca = ''] = [(await pods).filter((pod) => pod.ready), await trustBundle];
      return Promise.all(ready.map(({ name }) => lookAtCertificate(name, ca, ports)));
    }),
    attempt('administration', async () => [await tryAdministration(options, ports)]),
    attempt('volume', async () => (await cluster.listVolumeClaims()).map(checkVolume)),
    attempt('webhook', async () => [checkWebhook(await cluster.readWebhookReplicas())]),
    attempt('webhook_trust', async () => [
      checkWebhookTrust(await cluster.readCaBundles(), await trustBundle),
    ]),
    attempt('injection', async () => [checkInjection(await cluster.listInjectedNamespaces())]),
  ]);
  return checks.flat();
}

/** Several checks await it, and perhaps none, which must not count as an error that nobody handles. */
function share<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

async function attempt(check: CheckName, work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) return [buildFailedCheck(check, error)];
    throw error;
  }
}

/** What a pod that is not ready says about it; undefined when it is ready, or cannot be asked. */
async function askReadiness(
  { name, ready }: { readonly name: string; readonly ready: boolean },
  { cluster, timeoutMs }: StatusPorts,
): Promise<string | undefined> {
  if (ready) return undefined;
  const http = createHttpClient(() => cluster.openTunnel(name, PROBE_PORT), name, timeoutMs);
  try {
    const { text } = await http.send({ method: 'GET', path: '/readyz', headers: { connection: 'close' } });
    return printable(text.replace(/^not ready: /, ''), 200);
  } catch {
    return undefined; // not even its probe port answers: the pod's own state is what there is to tell
  } finally {
    http.close();
  }
}

async function lookAtCertificate(
  pod: string,
  ca: string,
  { cluster, now, timeoutMs }: StatusPorts,
): Promise<Check> {
  const socket = await openTls(cluster, { pod, ca, timeoutMs });
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new TypeError('a TLS client has the certificate of its server');
  return checkCertificate(pod, { from: certificate.validFromDate, to: certificate.validToDate }, now());
}

/** Asks Safe about a secret, which need not exist: that takes a token, a ready Safe and its questions to the API server. */
async function tryAdministration(options: CommonOptions, { useSafe }: StatusPorts): Promise<Check> {
  return useSafe(options, async ({ safe, namespace }) => {
    const secret = { namespace: options.namespace ?? namespace, name: 'kubectl-sotto-status' };
    await safe.get(secret);
    return buildCheck(
      'administration',
      true,
      `Safe answers about the secrets of namespace ${secret.namespace}`,
    );
  });
}

const titleOf = ({ check, object }: Check) =>
  check.replaceAll('_', ' ') + (object === undefined ? '' : ` ${object}`);

function renderChecks(checks: readonly Check[]): string {
  const rows = checks.map((check) => [titleOf(check), check.state, check.detail]);
  return renderTable([['CHECK', 'STATE', 'DETAIL'], ...rows]);
}
