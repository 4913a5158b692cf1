import type { Operation } from 'fast-json-patch';
import { AUDIENCE, SECRETS_VOLUME, TOKEN_VOLUME } from '../../shared/names.ts';
import type { Pod } from '../pod.ts';
import type { Problem } from '../problem.ts';
import { contains } from './contains.ts';
import { append, pointer } from './pointer.ts';

interface OurVolume {
  readonly name: string;
  /** What makes a volume of that name ours, whatever its limits: another release may have made it, in a pod that was restored. */
  readonly mark: object;
  readonly wanted: object;
}

/** In memory that is never written to a disk; the limit keeps a pod from eating the node's memory. */
const secretsVolume: OurVolume = {
  name: SECRETS_VOLUME,
  mark: { emptyDir: { medium: 'Memory' } },
  wanted: { name: SECRETS_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } },
};

/** A token that only Safe accepts, also where `automountServiceAccountToken` is false. 600 s is the shortest that Kubernetes grants. */
const tokenVolume: OurVolume = {
  name: TOKEN_VOLUME,
  mark: { projected: { sources: [{ serviceAccountToken: { audience: AUDIENCE } }] } },
  wanted: {
    name: TOKEN_VOLUME,
    projected: {
      defaultMode: 0o444,
      sources: [{ serviceAccountToken: { audience: AUDIENCE, expirationSeconds: 600, path: 'token' } }],
    },
  },
};

const VOLUMES = [secretsVolume, tokenVolume];

export const findVolumeProblems = ({ spec }: Pod): readonly Problem[] =>
  VOLUMES.filter(({ name, mark }) => {
    const named = (spec.volumes ?? []).filter((volume) => volume.name === name);
    return named.length > 1 || !named.every((volume) => contains(volume, mark));
  }).map(({ name }) => ({
    reason: 'name_taken',
    clause: `the pod has a volume ${name} that is not the one Sotto adds; give it another name`,
  }));

export function buildVolumeOperations({ spec }: Pod): readonly Operation[] {
  const volumes = spec.volumes ?? [];
  const indexOf = (name: string) => volumes.findIndex((volume) => volume.name === name);
  const missing = VOLUMES.filter(({ name }) => indexOf(name) === -1);
  const outdated = VOLUMES.filter(({ name, wanted }) => {
    const index = indexOf(name);
    return index !== -1 && !contains(volumes[index], wanted);
  });
  return [
    ...outdated.map(({ name, wanted }): Operation => ({
      op: 'replace',
      path: pointer('spec', 'volumes', indexOf(name)),
      value: wanted,
    })),
    ...append(
      pointer('spec', 'volumes'),
      spec.volumes,
      missing.map(({ wanted }) => wanted),
    ),
  ];
}
