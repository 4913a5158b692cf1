import { readdirSync, readFileSync } from 'node:fs';
import { apply, get, kubectl, run, waitFor } from './kubectl.ts';
import { pod, type Pod } from './pods.ts';

const OVERLAY = 'manifests/overlays/demo';

export const SYSTEM = 'sotto-system';

interface Rollout {
  readonly spec: { readonly replicas: number };
  readonly status: { readonly readyReplicas?: number };
}

const isReady = ({ spec, status }: Rollout) => status.readyReplicas === spec.replicas;

/** Installs Sotto as its README says, and waits for nothing but what a user would wait for. */
export async function install(): Promise<string> {
  const output = await kubectl(['apply', '-k', OVERLAY]);
  await waitUntilReady();
  return output;
}

export const uninstall = (): Promise<string> =>
  kubectl(['delete', '-k', OVERLAY, '--ignore-not-found', '--wait=true', '--timeout=120s']);

/** Ready means: Safe and both webhooks are, and the API server trusts the webhook. */
export async function waitUntilReady(): Promise<void> {
  const describe = () => kubectl(['describe', 'pods', '-n', SYSTEM]);
  const options = { timeoutMs: 120_000, explain: describe };
  await waitFor(
    'Safe to be ready',
    async () => isReady(await get<Rollout>(['statefulset/sotto-safe', '-n', SYSTEM])),
    options,
  );
  await waitFor(
    'the webhook to be ready',
    async () => isReady(await get<Rollout>(['deployment/sotto-webhook', '-n', SYSTEM])),
    options,
  );
  await waitFor('the caBundle', async () => {
    const { webhooks } = await get<{ webhooks: { clientConfig: { caBundle?: string } }[] }>([
      'mutatingwebhookconfiguration/sotto-injector',
    ]);
    return webhooks.every(({ clientConfig }) => clientConfig.caBundle !== undefined);
  });
  await waitFor('the API server to reach the webhook', isWebhookReached, { timeoutMs: 30_000 });
}

const PROBE = 'sotto-test-probe';

/** kube-proxy sends the API server to a pod a moment after that pod is ready. */
async function isWebhookReached(): Promise<boolean> {
  const metadata = { name: PROBE, labels: { 'sotto.dev/injection': 'enabled' } };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
  const manifest = JSON.stringify(pod(PROBE, 'probe', { serviceAccount: 'default' }));
  return (await run('kubectl', ['create', '--dry-run=server', '-f', '-'], manifest)).code === 0;
}

/** The pods of a program, without those that are on their way out. */
export async function podsOf(app: 'sotto-safe' | 'sotto-webhook'): Promise<readonly Pod[]> {
  const { items } = await get<{ items: Pod[] }>([
    'pods',
    '-n',
    SYSTEM,
    '-l',
    `app.kubernetes.io/name=${app}`,
  ]);
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/**
 * Kills Safe's program, in a pod that was never killed before: the kubelet waits longer before each restart of the same
 * pod, and a test is not to wait for what another one did.
 */
export async function killSafe(): Promise<void> {
  killProgram(await freshSafe(), 'sotto-safe.js');
}

/** A pod of Safe without restarts; its predecessor is replaced if it had any. */
export async function freshSafe(): Promise<Pod> {
  const [safe] = await podsOf('sotto-safe');
  if (safe?.status.containerStatuses?.[0]?.restartCount === 0) return safe;
  await kubectl(['delete', 'pod', 'sotto-safe-0', '-n', SYSTEM]);
  await waitUntilReady();
  return freshSafe();
}

/** Kills the program of a pod as the kernel would, without a word to Kubernetes. */
export function killProgram(pod: Pod, script: string): void {
  for (const pid of findProgram(pod, script)) process.kill(pid, 'SIGKILL');
}

/** Megabytes of memory that a pod's program occupies now, shared pages of its binary included (VmRSS). */
export function residentMegabytes(pod: Pod, script: string): number {
  const sizes = findProgram(pod, script).map(
    (pid) => /^VmRSS:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`))?.[1],
  );
  return sizes.reduce((sum, kilobytes) => sum + Number(kilobytes), 0) / 1000;
}

function findProgram({ metadata }: Pod, script: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const found = pids.filter((pid) => {
    const file = (name: string) => readIfThere(`/proc/${pid}/${name}`);
    return file('cmdline').includes(script) && file('cgroup').includes(metadata.uid);
  });
  if (found.length === 0) throw new Error(`no process of pod ${metadata.name} runs ${script}`);
  return found.map(Number);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended meanwhile
  }
}

/** A metrics page of a pod, through the API server. */
export const metricsOf = ({ metadata }: Pod): Promise<string> =>
  kubectl(['get', '--raw', `/api/v1/namespaces/${SYSTEM}/pods/${metadata.name}:9090/proxy/metrics`]);

/** How often the webhook was asked, over all replicas. */
export async function countReviews(): Promise<number> {
  const pages = await Promise.all((await podsOf('sotto-webhook')).map(metricsOf));
  const samples = pages.join('\n').matchAll(/^sotto_admission_reviews_total(?:\{[^}]*\})? (\d+)$/gm);
  return [...samples].reduce((sum, [, count]) => sum + Number(count), 0);
}
