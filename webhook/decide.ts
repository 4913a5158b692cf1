import { ANNOTATION_PREFIX, INJECT_ANNOTATION } from '../shared/names.ts';
import { parseAnnotations, type Wish } from './annotations.ts';
import { findContainerProblems } from './inject/container.ts';
import { findMountProblems, findUnknownContainers } from './inject/mounts.ts';
import type { InjectionPlan } from './inject/plan.ts';
import { findVolumeProblems } from './inject/volumes.ts';
import { annotationsOf, type Pod } from './pod.ts';
import type { DenyReason, Problem } from './problem.ts';

/** What to do with a pod. Every branch of the webhook ends in exactly one of these. */
export type Decision =
  | { readonly kind: 'inject'; readonly plan: InjectionPlan }
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  | { readonly kind: 'deny'; readonly reason: DenyReason; readonly sentence: string };

/** Machine words: the log, the metric, the audit annotation and the warning carry them. Never rename one. */
export type SkipReason = 'not_a_creation' | 'mirror_pod' | 'being_deleted' | 'not_annotated' | 'opted_out';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const MAX_CLAUSES = 20;

/** Decides from the pod and its namespace alone: no clock, no network, no state. */
export function decide(pod: Pod, namespace: string): Decision {
  const reason = findSkipReason(pod);
  if (reason !== undefined) return { kind: 'skip', reason };
  const { wish, problems, wrong } = parseAnnotations(annotationsOf(pod), namespace);
  const all = [...problems, ...findPodProblems(pod, wish, wrong)];
  if (all.length > 0) return deny(all);
  const isRootPod = pod.spec.securityContext?.runAsUser === 0;
  return { kind: 'inject', plan: { ...wish, namespace, isRootPod } };
}

/** A pod with any annotation of ours asks: if it forgot `inject` or misspelt it, it must not start without its secrets. */
function findSkipReason(pod: Pod): SkipReason | undefined {
  const annotations = annotationsOf(pod);
  if (!Object.keys(annotations).some((key) => key.startsWith(ANNOTATION_PREFIX))) return 'not_annotated';
  if (annotations[INJECT_ANNOTATION] === 'false') return 'opted_out';
  if (annotations[MIRROR_ANNOTATION] !== undefined) return 'mirror_pod';
  if (typeof pod.metadata?.deletionTimestamp === 'string') return 'being_deleted';
  return undefined;
}

/** What does not fit the pod is said together with what is wrong in its annotations, except where one follows from the other. */
function findPodProblems(pod: Pod, wish: Wish, wrong: ReadonlySet<string>): readonly Problem[] {
  return [
    ...findWindows(pod),
    ...findVolumeProblems(pod),
    ...findContainerProblems(pod),
    ...(wrong.has('containers') ? [] : findUnknownContainers(pod, wish.containers)),
    ...(wrong.has('containers') || wrong.has('mount-path') ? [] : findMountProblems(pod, wish)),
  ];
}

const findWindows = ({ spec }: Pod): readonly Problem[] =>
  spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows'
    ? [
        {
          reason: 'windows',
          clause: `the pod is for Windows, where there are no volumes in memory; remove ${INJECT_ANNOTATION}`,
        },
      ]
    : [];

/** The first problem gives the machine word. */
function deny(problems: readonly Problem[]): Decision {
  const clauses = problems.slice(0, MAX_CLAUSES).map(({ clause }) => clause);
  if (problems.length > MAX_CLAUSES) clauses.push(`and ${problems.length - MAX_CLAUSES} more`);
  return {
    kind: 'deny',
    reason: problems[0]?.reason ?? 'malformed',
    sentence: `Sotto cannot inject this pod; correct it or its template: ${clauses.join('; ')}`,
  };
}
