import { isDeepStrictEqual } from 'node:util';
import type { Operation } from 'fast-json-patch';
import type { InitConfig } from '../../shared/init-config.ts';
import {
  INIT_CA_ENV,
  INIT_CONFIG_ENV,
  INIT_CONTAINER,
  INIT_SECRETS_DIRECTORY,
  INIT_TOKEN_DIRECTORY,
  SAFE_PORT,
  SECRETS_VOLUME,
  TOKEN_VOLUME,
} from '../../shared/names.ts';
import type { ImagePullPolicy } from '../config.ts';
import type { InjectionPlan } from './plan.ts';
import { listContainers, type Container, type Pod } from '../pod.ts';
import type { Problem } from '../problem.ts';
import { contains } from './contains.ts';
import { pointer } from './pointer.ts';

/** What the webhook's own configuration says about the container; no annotation can. */
export interface ContainerSettings {
  readonly image: string;
  readonly imagePullPolicy: ImagePullPolicy | undefined;
  readonly safeHost: string;
  /** PEM certificates that the container trusts Safe by. */
  readonly ca: string;
}

/** Where the one image of all programs has Node and this program. By this command a container of our name is known as ours. */
const COMMAND = ['/usr/bin/node', '/app/sotto-init.cjs'];

/** Of the image, whose own user is the same; said only in a pod that would otherwise make it root. */
const NON_ROOT_USER = 65_532;

/** What others may set on our container: LimitRanges, pull policies and the API server's defaults. Nothing else stays. */
const LEFT_TO_OTHERS = ['imagePullPolicy', 'resources', 'resizePolicy', 'terminationMessagePath'];

export function findContainerProblems(pod: Pod): readonly Problem[] {
  const named = listContainers(pod, ['initContainers', 'containers']).filter(
    ({ container }) => container.name === INIT_CONTAINER,
  );
  const isOurs = named.every(
    ({ path, container }) => path[1] === 'initContainers' && contains(container, { command: COMMAND }),
  );
  if (named.length <= 1 && isOurs) return [];
  return [
    {
      reason: 'name_taken',
      clause: `the pod has a container ${INIT_CONTAINER} that is not the one Sotto adds; give it another name`,
    },
  ];
}

/** Puts our container first and makes it what it should be, in a pod that {@link findContainerProblems} has nothing against. */
export function buildContainerOperations(
  { spec }: Pod,
  plan: InjectionPlan,
  settings: ContainerSettings,
): readonly Operation[] {
  const wanted = buildContainer(plan, settings);
  const list = pointer('spec', 'initContainers');
  const existing = spec.initContainers ?? [];
  if (existing.length === 0) return [{ op: 'add', path: list, value: [wanted] }];
  const first = `${list}/0`;
  const index = existing.findIndex(({ name }) => name === INIT_CONTAINER);
  const current = existing[index];
  if (current === undefined) return [{ op: 'add', path: first, value: wanted }];
  const here = `${list}/${index}`;
  return [
    ...(isCurrent(current, wanted) ? [] : [{ op: 'replace', path: here, value: wanted } as const]),
    ...(index === 0 ? [] : [{ op: 'move', from: here, path: first } as const]),
  ];
}

type OurContainer = ReturnType<typeof buildContainer>;

function buildContainer(plan: InjectionPlan, settings: ContainerSettings) {
  return {
    name: INIT_CONTAINER,
    image: settings.image,
    ...(settings.imagePullPolicy === undefined ? {} : { imagePullPolicy: settings.imagePullPolicy }),
    command: COMMAND,
    env: [
      { name: INIT_CONFIG_ENV, value: JSON.stringify(buildInitConfig(plan, settings)) },
      { name: INIT_CA_ENV, value: settings.ca },
    ],
    volumeMounts: [
      { name: SECRETS_VOLUME, mountPath: INIT_SECRETS_DIRECTORY },
      { name: TOKEN_VOLUME, mountPath: INIT_TOKEN_DIRECTORY, readOnly: true },
    ],
    resources: {
      requests: { cpu: '10m', memory: '48Mi' },
      // A limit of our own, or a LimitRange's default below the request gets the pod refused. None for CPU: it would slow every start.
      limits: { memory: '128Mi' },
    },
    securityContext: buildSecurityContext(plan),
    terminationMessagePolicy: 'File',
  };
}

/** Passes Pod Security "restricted" by itself. The user comes from the pod or the image, as OpenShift wants it. */
const buildSecurityContext = ({ isRootPod }: InjectionPlan) => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  ...(isRootPod ? { runAsUser: NON_ROOT_USER } : {}),
  seccompProfile: { type: 'RuntimeDefault' },
});

const buildInitConfig = (plan: InjectionPlan, { safeHost }: ContainerSettings): InitConfig => ({
  version: 1,
  safe: { host: safeHost, port: SAFE_PORT },
  namespace: plan.namespace,
  secrets: plan.secrets,
  format: plan.format,
  formats: plan.formats,
  timeoutMs: plan.timeoutMs,
});

/**
 * Whether `actual` does what `wanted` does. Other webhooks may add variables, mounts and a user; a field such as `args`,
 * `envFrom` or `restartPolicy` would change what the container is, so with one of those it is not current.
 */
function isCurrent(actual: Container, wanted: OurContainer): boolean {
  const { image, command, securityContext, terminationMessagePolicy } = wanted;
  const known = [...Object.keys(wanted), ...LEFT_TO_OTHERS];
  return (
    Object.keys(actual).every((field) => known.includes(field)) &&
    contains(actual, { image, command, securityContext, terminationMessagePolicy }) &&
    isDeepStrictEqual(actual.securityContext?.['capabilities'], securityContext.capabilities) &&
    wanted.env.every((variable) => holdsOnce(actual['env'], 'name', variable)) &&
    wanted.volumeMounts.every((mount) => holdsOnce(actual.volumeMounts, 'mountPath', mount))
  );
}

/** Kubernetes takes the last of two variables of one name, so ours has to be the only one. */
function holdsOnce<K extends string>(list: unknown, key: K, wanted: Readonly<Record<K, string>>): boolean {
  if (!Array.isArray(list)) return false;
  const same = list.filter((item) => contains(item, { [key]: wanted[key] }));
  return same.length === 1 && isDeepStrictEqual(same[0], wanted);
}
