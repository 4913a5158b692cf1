import type { Wish } from '../annotations.ts';

/** All that the injection depends on besides the pod's containers and the webhook's own configuration. */
export interface InjectionPlan extends Wish {
  readonly namespace: string;
  /** The pod runs everything as root unless a container says otherwise; ours then must. */
  readonly isRootPod: boolean;
}
