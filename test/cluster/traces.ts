import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createCgroups } from './cgroups.ts';
import { isGone, readIdentity } from './processes.ts';
import type { Layout } from './layout.ts';

/** Where programs of a node leave things if nobody sees to it that they do not. */
const DIRECTORIES = [
  '/etc',
  '/mnt',
  '/opt',
  '/run',
  '/tmp',
  '/usr/libexec',
  '/var/lib',
  '/var/log',
  '/var/run/netns',
];
const SETTINGS = ['kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'vm/overcommit_memory'];
/** Directories of other clusters, and of tests and builds that happen to run at the same time. */
const OF_OTHERS = /^\/tmp\/|^\/run\/(containers|buildah|user|lock)|^\/var\/lib\/(sotto-cluster|containers)$/;

/** The state of the machine that a cluster could change, one fact a line. */
export function describeMachine(): string[] {
  const entries = DIRECTORIES.filter((directory) => existsSync(directory)).flatMap((directory) =>
    readdirSync(directory).map((name) => `${directory}/${name}`),
  );
  return [
    ...entries.filter((path) => !OF_OTHERS.test(path)),
    ...readdirSync('/sys/class/net').map((name) => `interface ${name}`),
    ...SETTINGS.map((name) => `${name} = ${readFileSync(`/proc/sys/${name}`, 'utf8').trim()}`),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => `mount ${line.split(' ')[4] ?? ''}`),
  ].sort();
}

/** Everything that still belongs to the cluster; `namespaces` are those that it had while it ran. */
export function findTraces(layout: Layout, namespaces: readonly string[]): string[] {
  const cgroups = createCgroups(layout.cgroup);
  return [
    ...(cgroups.exist() ? [`cgroup ${layout.cgroup}`] : []),
    ...(existsSync(layout.directory) ? [layout.directory] : []),
    ...listProcesses().flatMap((pid) => describeRelation(pid, layout, namespaces)),
  ];
}

/** The network and mount namespaces of a process, such as `net:[4026532201]`. */
export function readNamespaces(pid: number): string[] {
  return ['net', 'mnt'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));
}

function describeRelation(pid: number, layout: Layout, namespaces: readonly string[]): string[] {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const isOurs =
      command.includes(`${layout.directory}/`) ||
      readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${layout.cgroup}/`) ||
      readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`${layout.directory}/`) ||
      readNamespaces(pid).some((namespace) => namespaces.includes(namespace));
    // A zombie has none of all this any more, and goes when its parent or init looks.
    return isOurs && readIdentity(pid) !== undefined ? [`process ${pid}: ${command}`] : [];
  } catch (error) {
    if (isGone(error) || isUnreadable(error)) return [];
    throw error;
  }
}

/** A process that is just ending has no mounts to show (EINVAL); some of a sandboxed machine are not even root's. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EINVAL');
}

function listProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
