import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { ClusterError } from './errors.ts';
import { run, type Command } from './run.ts';

interface Requirement {
  readonly package: string;
  isThere(): boolean;
}

const CNI_DIRECTORIES = ['/usr/lib/cni', '/opt/cni/bin'];
const APT_DEADLINE_MS = 20 * 60_000;
const APT_ENVIRONMENT = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

/** The first directory with the CNI plug-ins that the node uses. */
export function findCniPlugins(): string | undefined {
  const isComplete = (directory: string) =>
    ['ptp', 'host-local', 'loopback'].every((plugin) => existsSync(`${directory}/${plugin}`));
  return CNI_DIRECTORIES.find(isComplete);
}

export function findProgram(name: string, path: string): string | undefined {
  const isExecutable = (file: string) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false; // not here, or not ours to run: the next directory may have it
    }
  };
  return path
    .split(':')
    .map((directory) => `${directory}/${name}`)
    .find(isExecutable);
}

/** It runs in an image without any library. A dynamic program names its loader at the beginning of the file. */
function isStatic(file: string | undefined): boolean {
  return file !== undefined && !readFileSync(file).subarray(0, 4096).includes('/ld-');
}

/** Programs are looked for, not packages: containerd may well come from elsewhere. */
function buildRequirements(path: string): Requirement[] {
  const program = (name: string, from: string): Requirement => ({
    package: from,
    isThere: () => findProgram(name, path) !== undefined,
  });
  return [
    program('containerd', 'containerd'),
    program('runc', 'runc'),
    program('ip', 'iproute2'),
    program('nft', 'nftables'),
    program('iptables', 'iptables'),
    program('conntrack', 'conntrack'),
    program('buildah', 'buildah'),
    program('nsenter', 'util-linux'),
    program('mount', 'mount'),
    { package: 'containernetworking-plugins', isThere: () => findCniPlugins() !== undefined },
    { package: 'busybox-static', isThere: () => isStatic(findProgram('busybox', path)) },
  ];
}

export function findMissingPackages(path: string): string[] {
  return buildRequirements(path)
    .filter((requirement) => !requirement.isThere())
    .map((requirement) => requirement.package);
}

/** Installs what is missing. Package lists are fetched only if it does not work without. */
export async function installPackages(
  missing: readonly string[],
  options: { environment: NodeJS.ProcessEnv; path: string; log: string; signal: AbortSignal },
): Promise<void> {
  const { environment, path, log, signal } = options;
  if (findProgram('apt-get', path) === undefined) {
    throw new ClusterError(`not installed: ${missing.join(', ')}`, {
      advice: 'Install them with the package manager of this machine (these are their names in Debian).',
    });
  }
  const runOptions = {
    log,
    signal,
    env: { ...environment, ...APT_ENVIRONMENT },
    deadlineMs: APT_DEADLINE_MS,
  };
  const install: Command = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing];
  try {
    await run(install, runOptions);
  } catch {
    signal.throwIfAborted(); // otherwise the lists may be missing or old
    await run(['apt-get', 'update', '-q'], runOptions);
    await run(install, runOptions);
  }
  const still = findMissingPackages(path);
  if (still.length > 0) throw new ClusterError(`apt-get did not install ${still.join(', ')}`, { log });
}
