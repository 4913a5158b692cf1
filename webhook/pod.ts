import * as v from 'valibot';
import { parse } from '../shared/parse.ts';

/** A pod of Kubernetes holds fewer than this in its 1.5 MiB; a stranger's 8 MiB could make us build a patch of 90 MB. */
const MAX_CONTAINERS = 1000;

const volumeMount = v.looseObject({ name: v.string(), mountPath: v.string() });

const container = v.looseObject({
  name: v.string(),
  volumeMounts: v.nullish(v.array(volumeMount)),
  securityContext: v.nullish(v.looseObject({})),
});

const containers = v.pipe(
  v.array(v.unknown()),
  v.maxLength(MAX_CONTAINERS, `must have at most ${MAX_CONTAINERS} entries`),
  v.array(container),
);

const pod = v.looseObject({
  metadata: v.nullish(
    v.looseObject({
      annotations: v.nullish(v.record(v.string(), v.string())),
      deletionTimestamp: v.nullish(v.string()),
    }),
  ),
  spec: v.looseObject({
    os: v.nullish(v.looseObject({ name: v.nullish(v.string()) })),
    nodeSelector: v.nullish(v.record(v.string(), v.string())),
    securityContext: v.nullish(v.looseObject({ runAsUser: v.nullish(v.number()) })),
    volumes: v.nullish(v.array(v.looseObject({ name: v.string() }))),
    initContainers: v.nullish(containers),
    containers: v.nullish(containers),
  }),
});

/**
 * The parts of a Pod this webhook reads; everything else passes through untouched, because we answer with a patch.
 * The API server writes an absent list as nothing, as `null` or as `[]`: all three are one to us, but not to a patch.
 */
export type Pod = v.InferOutput<typeof pod>;
export type Container = v.InferOutput<typeof container>;
export type VolumeMount = v.InferOutput<typeof volumeMount>;

/** @throws AppError `invalid_request` naming the first field that is not what the Pod API says it is. */
export const parsePod = (input: unknown): Pod => parse(pod, input, { abortEarly: true });

/** Every annotation of the pod. A key that a tenant wrote may be any text: Kubernetes checks it after admission. */
export const annotationsOf = ({ metadata }: Pod): Readonly<Record<string, string>> =>
  metadata?.annotations ?? {};

/** A container's place in the pod, as the first segments of a JSON pointer. */
export type ContainerPath = readonly ['spec', 'containers' | 'initContainers', number];

export interface PlacedContainer {
  readonly path: ContainerPath;
  readonly container: Container;
}

/** Every container of the lists, with its place. */
export function listContainers(
  { spec }: Pod,
  lists: readonly ContainerPath[1][],
): readonly PlacedContainer[] {
  return lists.flatMap((list) =>
    (spec[list] ?? []).map((container, index): PlacedContainer => ({
      path: ['spec', list, index],
      container,
    })),
  );
}
