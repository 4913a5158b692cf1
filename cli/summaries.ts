import type {
  V1ContainerState,
  V1ContainerStatus,
  V1Deployment,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodStatus,
} from '@kubernetes/client-node';

/** The few facts about a Kubernetes object that somebody on call wants, each built from the object alone. */

export interface PodSummary {
  readonly name: string;
  readonly ready: boolean;
  /** Container restarts since the pod exists. */
  readonly restarts: number;
  readonly image: string;
  readonly createdAt: Date | undefined;
  /** Why it does not run, in Kubernetes' words: `Pending`, `CrashLoopBackOff, OOMKilled`, … */
  readonly trouble: string | undefined;
}

export function buildPodSummary({ metadata = {}, spec, status = {} }: V1Pod): PodSummary {
  const { containerStatuses = [] } = status;
  return {
    name: metadata.name ?? '',
    ready: metadata.deletionTimestamp === undefined && isReady(status),
    restarts: containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    image: firstImage(spec?.containers),
    createdAt: metadata.creationTimestamp,
    trouble: findTrouble(status),
  };
}

const isReady = ({ conditions = [] }: V1PodStatus) =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

const firstImage = (containers: readonly { image?: string }[] = []) => containers[0]?.image ?? '';

function findTrouble({
  phase,
  initContainerStatuses = [],
  containerStatuses = [],
}: V1PodStatus): string | undefined {
  const reasons = [...initContainerStatuses, ...containerStatuses].flatMap(reasonsOf);
  const bad = reasons.filter((reason) => reason !== undefined && reason !== 'Completed');
  if (bad.length > 0) return [...new Set(bad)].join(', ');
  return phase === 'Running' ? undefined : phase;
}

const reasonsOf = ({ state, lastState }: V1ContainerStatus) => [reasonOf(state), reasonOf(lastState)];

const reasonOf = (state: V1ContainerState | undefined) => state?.waiting?.reason ?? state?.terminated?.reason;

export interface Replicas {
  readonly desired: number;
  readonly ready: number;
  readonly image: string;
}

export function buildReplicas({ spec, status }: V1Deployment): Replicas {
  return {
    desired: spec?.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    image: firstImage(spec?.template.spec?.containers),
  };
}

export interface VolumeClaim {
  readonly name: string;
  /** `Bound`, `Pending` or `Lost`. */
  readonly phase: string;
  /** As Kubernetes writes it: `1Gi`. Empty until it is bound. */
  readonly capacity: string;
}

export function buildVolumeClaim({ metadata, status }: V1PersistentVolumeClaim): VolumeClaim {
  return {
    name: metadata?.name ?? '',
    phase: status?.phase ?? 'Pending',
    capacity: status?.capacity?.['storage'] ?? '',
  };
}
