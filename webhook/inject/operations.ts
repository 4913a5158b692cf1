import type { Operation } from 'fast-json-patch';
import type { InjectionPlan } from './plan.ts';
import type { Pod } from '../pod.ts';
import { buildContainerOperations, type ContainerSettings } from './container.ts';
import { buildMountOperations } from './mounts.ts';
import { buildVolumeOperations } from './volumes.ts';

/**
 * JSON Patch (RFC 6902) that brings about in `pod` what `plan` says: the few operations that are missing, none on its own
 * result. Built, not found by comparing two pods: so the API server's audit log shows them as a person would write them.
 *
 * The order matters: our container comes last, because putting it first moves every other init container.
 * Only for a pod that {@link decide} let pass.
 */
export const buildOperations = (
  pod: Pod,
  plan: InjectionPlan,
  settings: ContainerSettings,
): readonly Operation[] => [
  ...buildVolumeOperations(pod),
  ...buildMountOperations(pod, plan),
  ...buildContainerOperations(pod, plan, settings),
];
