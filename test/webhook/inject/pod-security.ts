/**
 * What Pod Security "restricted" (v1.37) asks of one container and of the volumes it brings, from the Pod Security
 * Standards of Kubernetes. Says what is violated. The container has to pass by itself: the pod's own fields are not counted.
 */
export function findViolations(container: Container, volumes: readonly object[]): readonly string[] {
  const context = container.securityContext ?? {};
  const checks: Record<string, boolean> = {
    allowPrivilegeEscalation: context.allowPrivilegeEscalation === false,
    runAsNonRoot: context.runAsNonRoot === true,
    runAsUser: context.runAsUser !== 0,
    privileged: context.privileged !== true,
    'capabilities.drop': context.capabilities?.drop?.includes('ALL') === true,
    'capabilities.add': (context.capabilities?.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
    seccompProfile: ['RuntimeDefault', 'Localhost'].includes(context.seccompProfile?.type ?? ''),
    procMount: [undefined, 'Default'].includes(context.procMount),
    hostPorts: (container.ports ?? []).every(({ hostPort }) => (hostPort ?? 0) === 0),
    volumes: volumes.every((volume) =>
      Object.keys(volume).every((key) => key === 'name' || ALLOWED_VOLUMES.includes(key)),
    ),
  };
  return Object.keys(checks).filter((name) => checks[name] !== true);
}

const ALLOWED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

export interface Container {
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly privileged?: boolean;
    readonly procMount?: string;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly seccompProfile?: { readonly type?: string };
  };
  readonly ports?: readonly { readonly hostPort?: number }[];
}
