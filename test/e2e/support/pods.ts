import { get, kubectl, waitFor } from './kubectl.ts';

export const IMAGE = 'sotto.test/busybox:1';

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** What the application prints, in `sh`: {@link outputOf} gives it. */
  readonly script?: string;
  /** The application ends after it; otherwise it stays. */
  readonly ends?: boolean;
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly volumes?: readonly object[];
  /** Merged over the pod's spec. */
  readonly spec?: object;
  /** Merged over the application container. */
  readonly container?: object;
}

const END = '-- end --';

/** Asks for injection of what the service account may read. */
export const INJECT = { 'sotto.dev/inject': 'true' } as const;

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};

/** Metadata and spec as a Pod or a pod template has them; passes Pod Security "restricted". */
export function podTemplate(options: PodOptions = {}): { metadata: object; spec: object } {
  const { annotations = INJECT, serviceAccount = 'api', script = 'true', ends = false } = options;
  const container = {
    name: 'app',
    image: IMAGE,
    command: ['sh', '-c', `${script}\necho\necho '${END}'\n${ends ? '' : 'sleep 3600'}`],
    securityContext: RESTRICTED,
    ...options.container,
  };
  return {
    metadata: { annotations, labels: { app: 'test' } },
    spec: {
      serviceAccountName: serviceAccount,
      terminationGracePeriodSeconds: 0,
      ...(options.restartPolicy === undefined ? {} : { restartPolicy: options.restartPolicy }),
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container],
      ...(options.volumes === undefined ? {} : { volumes: options.volumes }),
      ...options.spec,
    },
  };
}

export function pod(namespace: string, name: string, options: PodOptions = {}): object {
  const { metadata, spec } = podTemplate(options);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, namespace, name }, spec };
}

/** A Deployment, StatefulSet or Job of one pod. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'Job',
  namespace: string,
  name: string,
  options: PodOptions = {},
) {
  const selector = { selector: { matchLabels: { app: 'test', workload: name } } };
  const template = podTemplate(kind === 'Job' ? { restartPolicy: 'Never', ...options } : options);
  const labelled = {
    ...template,
    metadata: { ...template.metadata, labels: { app: 'test', workload: name } },
  };
  return {
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { namespace, name },
    spec: {
      ...(kind === 'Job' ? { backoffLimit: 0 } : selector),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      template: labelled,
    },
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly state: {
    readonly running?: { readonly startedAt: string };
    readonly waiting?: { readonly reason: string };
    readonly terminated?: {
      readonly exitCode: number;
      readonly message?: string;
      readonly finishedAt: string;
    };
  };
  readonly lastState: { readonly terminated?: { readonly exitCode: number; readonly message?: string } };
}

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly volumeMounts?: readonly { name: string; mountPath: string }[];
    }[];
    readonly initContainers?: readonly { readonly name: string }[];
    readonly volumes?: readonly { readonly name: string }[];
  };
  readonly status: {
    readonly phase: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export const isInjected = ({ spec }: Pod): boolean =>
  spec.initContainers?.some(({ name }) => name === 'sotto-init') === true;

/** The one pod of a workload. */
export async function podOf(namespace: string, name: string): Promise<Pod> {
  return waitFor(`a pod of ${name}`, async () => {
    const { items } = await get<{ items: Pod[] }>(['pods', '-n', namespace, '-l', `workload=${name}`]);
    return items[0];
  });
}

const getPod = (namespace: string, name: string) => get<Pod>(['pod', name, '-n', namespace]);

const describe = (namespace: string, name: string) => () =>
  kubectl(['describe', 'pod', name, '-n', namespace]);

/** Waits until the application container runs, or has run to its end. */
export function waitUntilStarted(namespace: string, name: string): Promise<Pod> {
  return waitFor(
    `pod ${namespace}/${name} to start`,
    async () => {
      const found = await getPod(namespace, name);
      const state = found.status.containerStatuses?.[0]?.state;
      return (state?.running !== undefined || state?.terminated !== undefined) && found;
    },
    { explain: describe(namespace, name) },
  );
}

/** Waits until the injected container has given up at least once, and gives its exit code and message. */
export function waitUntilRefused(
  namespace: string,
  name: string,
): Promise<{ exitCode: number; message: string; pod: Pod }> {
  return waitFor(
    `sotto-init of pod ${namespace}/${name} to give up`,
    async () => {
      const found = await getPod(namespace, name);
      const status = found.status.initContainerStatuses?.find((container) => container.name === 'sotto-init');
      const end = status?.state.terminated ?? status?.lastState.terminated;
      return end === undefined
        ? undefined
        : { exitCode: end.exitCode, message: end.message ?? '', pod: found };
    },
    { explain: describe(namespace, name) },
  );
}

/** What a container's script printed, all of it. */
export async function outputOf(namespace: string, name: string, container = 'app'): Promise<string> {
  const readLog = () => kubectl(['logs', name, '-n', namespace, '-c', container]);
  const explain = async () =>
    `it printed ${JSON.stringify(await readLog())}\n${await describe(namespace, name)()}`;
  const { text } = await waitFor(
    `the output of ${namespace}/${name}`,
    async () => {
      const log = await readLog();
      const end = log.lastIndexOf(`\n${END}\n`);
      return end === -1 ? undefined : { text: log.slice(0, end) };
    },
    { explain },
  );
  return text;
}
