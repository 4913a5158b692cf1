import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { makeOnce } from './cache.ts';
import { ClusterError } from './errors.ts';
import { run } from './run.ts';

/** A folder below `go/`, the version of the module it builds, and how. */
export interface GoModule {
  readonly name: string;
  /** The module whose version names what is built. */
  readonly path: string;
  readonly programs: Readonly<Record<string, string>>;
  /** Variables to set to the version's parts; without them a node reports `v0.0.0-master+$Format:%H$`. */
  versionFlags(version: string): string[];
}

const KUBERNETES_PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubectl',
  'kubelet',
];

export const GO_MODULES = {
  kubernetes: {
    name: 'kubernetes',
    path: 'k8s.io/kubernetes',
    programs: Object.fromEntries(KUBERNETES_PROGRAMS.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])),
    versionFlags: (version: string) => {
      const [major, minor] = version.slice(1).split('.');
      return [
        `k8s.io/component-base/version.gitVersion=${version}`,
        `k8s.io/component-base/version.gitMajor=${major ?? ''}`,
        `k8s.io/component-base/version.gitMinor=${minor ?? ''}`,
        `k8s.io/client-go/pkg/version.gitVersion=${version}`,
      ];
    },
  },
  etcd: {
    name: 'etcd',
    path: 'go.etcd.io/etcd/server/v3',
    programs: { etcd: 'go.etcd.io/etcd/server/v3' },
    versionFlags: () => [],
  },
  coredns: {
    name: 'coredns',
    path: 'github.com/coredns/coredns',
    programs: { coredns: 'github.com/coredns/coredns' },
    versionFlags: () => [],
  },
} as const satisfies Record<string, GoModule>;

const GO_ENVIRONMENT = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
const BUILD_DEADLINE_MS = 60 * 60_000; // two small cores need 11 minutes, downloads included

export interface BuildContext {
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: string;
  readonly signal: AbortSignal;
}

/** What decides what the compiler makes; two builds with the same key make the same programs. */
export interface BuildInput {
  readonly version: string;
  readonly flags: readonly string[];
  readonly goVersion: string;
  readonly goArch: string;
  readonly goMod: string;
  readonly goSum: string;
}

export function buildCacheKey(module: string, input: BuildInput): string {
  const fields = [input.version, ...input.flags, input.goVersion, input.goArch, input.goMod, input.goSum];
  const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16);
  return `${module}-${input.version}-${hash}`;
}

/** @throws ClusterError when `go.mod` does not require the module. */
export function parseModuleVersion(goMod: string, path: string): string {
  const version = goMod
    .split('\n')
    .map((line) =>
      line
        .replace(/^require /, '')
        .trim()
        .split(' '),
    )
    .find(([name]) => name === path)?.[1];
  if (version?.startsWith('v') !== true) throw new ClusterError(`go.mod does not require ${path}`);
  return version;
}

/** Finds out which Go this machine has. @throws ClusterError with what to install, if it is missing or too old. */
export async function readGoVersion(context: BuildContext): Promise<{ goVersion: string; goArch: string }> {
  const needed = /^go (\d+\.\d+)/m.exec(readGoMod('kubernetes').goMod)?.[1] ?? '';
  const advice = `Install Go ${needed} or newer from https://go.dev/dl/ and put its bin directory into PATH.`;
  const printed = await run(['go', 'env', 'GOVERSION', 'GOARCH'], {
    env: { ...context.environment, ...GO_ENVIRONMENT },
    signal: context.signal,
  }).catch((cause: unknown) => {
    context.signal.throwIfAborted();
    throw new ClusterError('Go is needed to build Kubernetes, and it is not there', { advice, cause });
  });
  const [goVersion = '', goArch = ''] = printed.trim().split('\n');
  if (isOlder(goVersion.replace('go', ''), needed)) {
    throw new ClusterError(`${goVersion} is too old to build Kubernetes`, { advice });
  }
  return { goVersion, goArch };
}

/** Compares `1.26.8` with `1.26` number by number. */
export function isOlder(version: string, needed: string): boolean {
  const [have, want] = [version, needed].map((text) => text.split('.').map((part) => Number.parseInt(part)));
  const difference = want?.map((part, index) => (have?.[index] ?? 0) - part).find((one) => one !== 0);
  return (difference ?? 0) < 0;
}

function readGoMod(name: string): { directory: string; goMod: string; goSum: string } {
  const directory = `${import.meta.dirname}/go/${name}`;
  const read = (file: string) => readFileSync(`${directory}/${file}`, 'utf8');
  return { directory, goMod: read('go.mod'), goSum: read('go.sum') };
}

/**
 * Builds the programs of one module, unless they are in the cache.
 * @returns the directory with the programs, and whether they had to be built.
 */
export async function buildBinaries(
  module: GoModule,
  go: { goVersion: string; goArch: string },
  context: BuildContext,
): Promise<{ directory: string; wasBuilt: boolean }> {
  const { directory: cwd, ...source } = readGoMod(module.name);
  const version = parseModuleVersion(source.goMod, module.path);
  const variables = module.versionFlags(version).map((assignment) => `-X ${assignment}`);
  const flags = ['-trimpath', '-ldflags', ['-s', '-w', ...variables].join(' ')];
  const directory = `${context.cache}/binaries/${buildCacheKey(module.name, { ...source, ...go, version, flags })}`;
  const build = async (workshop: string) => {
    await run(['go', 'build', ...flags, '-o', `${workshop}/`, ...Object.values(module.programs)], {
      cwd,
      env: { ...context.environment, ...GO_ENVIRONMENT },
      log: context.log,
      signal: context.signal,
      deadlineMs: BUILD_DEADLINE_MS,
    });
    for (const [program, path] of Object.entries(module.programs)) renameProgram(workshop, path, program);
  };
  return { directory, wasBuilt: await makeOnce(directory, build, context.signal) };
}

/** Go names a program after the last element of its path that is not a major version: etcd is built as `server`. */
function renameProgram(directory: string, path: string, program: string): void {
  const elements = path.split('/').filter((element) => !/^v\d+$/.test(element));
  const built = elements.at(-1) ?? program;
  if (built !== program) renameSync(`${directory}/${built}`, `${directory}/${program}`);
}
