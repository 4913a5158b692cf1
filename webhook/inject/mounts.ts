import { isDeepStrictEqual } from 'node:util';
import type { Operation } from 'fast-json-patch';
import { isDnsLabel } from '../../shared/grammar.ts';
import { ANNOTATION_PREFIX, INIT_CONTAINER, SECRETS_VOLUME, TOKEN_VOLUME } from '../../shared/names.ts';
import type { Wish } from '../annotations.ts';
import { overlaps } from '../mount-path.ts';
import { listContainers, type PlacedContainer, type Pod, type VolumeMount } from '../pod.ts';
import type { Problem } from '../problem.ts';
import { append, pointer } from './pointer.ts';

type MountWish = Pick<Wish, 'containers' | 'mountPath'>;

/** Read-only: an application that could write there could plant links for whoever refreshes the files. */
const buildMount = ({ mountPath }: MountWish) => ({ name: SECRETS_VOLUME, mountPath, readOnly: true });

export function findUnknownContainers(pod: Pod, containers: readonly string[]): readonly Problem[] {
  const names = new Set(listOthers(pod).map(({ container }) => container.name));
  const unknown = containers.flatMap((name, index) => (names.has(name) ? [] : [index + 1]));
  if (unknown.length === 0) return [];
  const clause = `${ANNOTATION_PREFIX}containers must list containers of the pod; entry ${unknown.join(', ')} is none`;
  return [{ reason: 'unknown_container', clause }];
}

/** At most one problem a container, so that a pod of thousands of mounts has a readable answer. */
export function findMountProblems(pod: Pod, wish: MountWish): readonly Problem[] {
  const chosen = new Set(listChosen(pod, wish).map(({ path }) => pointer(...path)));
  return listOthers(pod).flatMap((placed): readonly Problem[] => {
    const foreign = mountsOf(placed).filter((mount) => !isDeepStrictEqual(mount, buildMount(wish)));
    const ofOurs = foreign.find(({ name }) => name === SECRETS_VOLUME || name === TOKEN_VOLUME);
    if (ofOurs !== undefined) return [mountsOurVolume(placed, ofOurs)];
    const collides = foreign.some(({ mountPath }) => overlaps(mountPath, wish.mountPath));
    return collides && chosen.has(pointer(...placed.path)) ? [mountsAtOurPath(placed)] : [];
  });
}

/** One mount for each chosen container that lacks it, also one that somebody inserted after we saw the pod first. */
export const buildMountOperations = (pod: Pod, wish: MountWish): readonly Operation[] =>
  listChosen(pod, wish)
    .filter((placed) => !mountsOf(placed).some((mount) => isDeepStrictEqual(mount, buildMount(wish))))
    .flatMap(({ path, container }) =>
      append(pointer(...path, 'volumeMounts'), container.volumeMounts, [buildMount(wish)]),
    );

/** Init containers get the secrets only when they are named: most of them come with an image that nobody looked at. */
const listChosen = (pod: Pod, { containers }: MountWish): readonly PlacedContainer[] =>
  containers.length === 0
    ? listContainers(pod, ['containers'])
    : listOthers(pod).filter(({ container }) => containers.includes(container.name));

const listOthers = (pod: Pod): readonly PlacedContainer[] =>
  listContainers(pod, ['initContainers', 'containers']).filter(
    ({ container }) => container.name !== INIT_CONTAINER,
  );

const mountsOf = ({ container }: PlacedContainer): readonly VolumeMount[] => container.volumeMounts ?? [];

const mountsOurVolume = (placed: PlacedContainer, { name }: VolumeMount): Problem => ({
  reason: 'name_taken',
  clause: `${describe(placed)} mounts the volume ${name} by itself; use ${ANNOTATION_PREFIX}containers and ${ANNOTATION_PREFIX}mount-path`,
});

const mountsAtOurPath = (placed: PlacedContainer): Problem => ({
  reason: 'mount_path_taken',
  clause: `${describe(placed)} has a volume at, above or below the path of the secrets; choose another with ${ANNOTATION_PREFIX}mount-path`,
});

/** A name is repeated only if Kubernetes would accept it, which it has not decided yet. */
const describe = ({ path: [, list, index], container: { name } }: PlacedContainer): string =>
  isDnsLabel(name) ? `container ${name}` : `spec.${list}[${index}]`;
