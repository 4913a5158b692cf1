import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { isGone } from './processes.ts';
import { waitFor } from './poll.ts';

/** One mounted cgroup hierarchy: version 1 has several, version 2 one, and "hybrid" machines have both. */
export interface Hierarchy {
  readonly mountPoint: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/** The hierarchies in the text of `/proc/self/mountinfo` (proc(5)). */
export function parseHierarchies(mountinfo: string): Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before, after] = line.split(' - ');
    const mountPoint = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    if (mountPoint === undefined) return [];
    if (type === 'cgroup2') return [{ mountPoint, version: 2, controllers: [] }];
    if (type !== 'cgroup') return [];
    return [{ mountPoint, version: 1, controllers: options?.split(',') ?? [] }];
  });
}

/**
 * The hierarchy in which every process of the cluster is a member from its first instruction on. One without limits
 * is preferred, so that the daemons keep the limits of whoever starts them.
 */
export function chooseTrackingHierarchy(hierarchies: readonly Hierarchy[]): Hierarchy | undefined {
  const withController = (name: string) => hierarchies.find((one) => one.controllers.includes(name));
  return (
    hierarchies.find((one) => one.version === 2) ??
    withController('name=systemd') ??
    withController('pids') ??
    hierarchies[0]
  );
}

/** The cgroups of one cluster, all below directories of one name. */
export interface Cgroups {
  /** Creates them. @returns the file to write `0` to in order to join. */
  create(): string;
  exist(): boolean;
  members(): number[];
  /** Kills all members but this process, waits until they are gone, and removes the cgroups. */
  remove(): Promise<void>;
}

export function createCgroups(name: string): Cgroups {
  const hierarchies = parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
  const tracking = chooseTrackingHierarchy(hierarchies);
  const roots = () =>
    hierarchies.map((one) => `${one.mountPoint}/${name}`).filter((directory) => existsSync(directory));
  const members = () => [...new Set(roots().flatMap(listTree).flatMap(readMembers))];

  return {
    create: () => {
      for (const hierarchy of hierarchies) createRoot(hierarchy, name);
      if (tracking === undefined) return '/dev/null';
      const daemons = `${tracking.mountPoint}/${name}/daemons`;
      mkdirSync(daemons, { recursive: true });
      return `${daemons}/cgroup.procs`;
    },
    exist: () => roots().length > 0,
    members,
    remove: async () => {
      await killMembers(roots, members);
      await waitFor('the cgroups of the cluster to be empty', () => removeTrees(roots()), {
        deadlineMs: 10_000,
      });
    },
  };
}

/** With version 2 the kubelet finds its controllers only if they are enabled on the way down. */
function createRoot(hierarchy: Hierarchy, name: string): void {
  mkdirSync(`${hierarchy.mountPoint}/${name}`, { recursive: true });
  if (hierarchy.version === 1) return;
  const available = readFileSync(`${hierarchy.mountPoint}/cgroup.controllers`, 'utf8').trim();
  if (available === '') return;
  const enable = available
    .split(' ')
    .map((controller) => `+${controller}`)
    .join(' ');
  writeFileSync(`${hierarchy.mountPoint}/cgroup.subtree_control`, enable);
  writeFileSync(`${hierarchy.mountPoint}/${name}/cgroup.subtree_control`, enable);
}

async function killMembers(roots: () => string[], members: () => number[]): Promise<void> {
  const killAll = () => {
    for (const directory of roots().flatMap(listTree)) thaw(directory);
    const others = members().filter((pid) => pid !== process.pid);
    for (const pid of others) kill(pid);
    return others.length === 0 ? true : undefined;
  };
  await waitFor('the processes of the cluster to end', killAll, { deadlineMs: 20_000, everyMs: 20 });
}

/** A frozen process of version 1 does not even die. */
function thaw(directory: string): void {
  const file = `${directory}/freezer.state`;
  try {
    if (existsSync(file) && readFileSync(file, 'utf8').trim() !== 'THAWED') writeFileSync(file, 'THAWED');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Deepest first, so that the list can be removed in its order. */
function listTree(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...children.flatMap((child) => listTree(`${directory}/${child.name}`)), directory];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readMembers(directory: string): number[] {
  try {
    return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** @returns undefined as long as one is busy: a process stays a member for a moment after it has died. */
function removeTrees(roots: readonly string[]): true | undefined {
  try {
    for (const directory of roots.flatMap(listTree)) rmdirSync(directory);
    return true;
  } catch (error) {
    if (isGone(error) || (error instanceof Error && 'code' in error && error.code === 'EBUSY'))
      return undefined;
    throw error;
  }
}
