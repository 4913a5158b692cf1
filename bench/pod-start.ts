import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { CoreV1Api, KubeConfig, Watch, type V1Pod } from '@kubernetes/client-node';
import { readClusterEnvironment } from '../test/cluster/inside.ts';
import { kubectl, sotto } from '../test/e2e/support/kubectl.ts';
import { pod } from '../test/e2e/support/pods.ts';
import { install, podsOf, residentMegabytes } from '../test/e2e/support/system.ts';

/**
 * From the creation of a pod to its application running, with injection and without, one pod at a time and alternately:
 * `make bench-pods`. Writes `bench/results/pods.json`.
 */
const PODS = 20;
const NAMESPACE = 'bench-pods';

readClusterEnvironment(process.env); // says how to get inside, when it is run outside
const installed = await seconds(install);
await kubectl(['create', 'namespace', NAMESPACE]);
await kubectl(['label', 'namespace', NAMESPACE, 'sotto.dev/injection=enabled']);
await kubectl(['create', 'serviceaccount', 'api', '-n', NAMESPACE]);
const put = await sotto(['put', 'db', '-n', NAMESPACE, '--key', 'password', '--reader', 'api'], 'hunter2');
if (put.code !== 0) throw new Error(put.stderr);

const config = new KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(CoreV1Api);
const running = new Map<string, (at: number) => void>();
const watch = await new Watch(config).watch(
  `/api/v1/namespaces/${NAMESPACE}/pods`,
  {},
  (_, { metadata, status }: V1Pod) => {
    if (status?.containerStatuses?.[0]?.state?.running !== undefined)
      running.get(metadata?.name ?? '')?.(performance.now());
  },
  () => undefined,
);

const times = { with: [] as number[], without: [] as number[] };
for (let i = 0; i < PODS; i++) {
  times.without.push(await timeOne(`plain-${i}`, {}));
  times.with.push(await timeOne(`asks-${i}`, { 'sotto.dev/inject': 'true' }));
}
watch.abort();

const [plain, injected] = [median(times.without), median(times.with)];
const memory = await Promise.all(
  (['sotto-safe', 'sotto-webhook'] as const).map(async (app) => {
    const [found] = await podsOf(app);
    const value = found === undefined ? Number.NaN : residentMegabytes(found, `${app}.js`);
    return { figure: `resident memory of ${app}`, value, unit: 'MB' };
  }),
);
const figures = [
  { figure: 'install, from kubectl apply to ready', value: installed, unit: 's' },
  { figure: 'pod created to application running, without injection', value: plain, unit: 'ms' },
  { figure: 'pod created to application running, with injection', value: injected, unit: 'ms' },
  { figure: 'difference of the medians', value: injected - plain, unit: 'ms' },
  ...memory,
];
mkdirSync('bench/results', { recursive: true });
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
writeFileSync(
  'bench/results/pods.json',
  `${JSON.stringify({ machine, command: 'make bench-pods', pods: PODS, figures }, null, 2)}\n`,
);
for (const { figure, value, unit } of figures)
  process.stdout.write(`${figure.padEnd(58)} ${value.toFixed(1)} ${unit}\n`);
await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);

async function timeOne(name: string, annotations: Record<string, string>): Promise<number> {
  const seen = new Promise<number>((resolve) => running.set(name, resolve));
  const started = performance.now();
  await core.createNamespacedPod({
    namespace: NAMESPACE,
    body: pod(NAMESPACE, name, { annotations }),
  });
  const at = await seen;
  await core.deleteNamespacedPod({ namespace: NAMESPACE, name, gracePeriodSeconds: 0 });
  return at - started;
}

async function seconds(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return (performance.now() - started) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
