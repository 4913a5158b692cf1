import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isGone } from './processes.ts';
import { run, type Command } from './run.ts';
import { NETWORK } from './network.ts';
import type { Layout } from './layout.ts';

/** What one has to know to run something inside: whose namespaces, and how to become a member of the cgroup. */
export interface Entrance {
  readonly holderPid: number;
  readonly joinFile: string;
}

/** Kernel settings that the kubelet insists on. It would change them for the whole machine, and for good. */
const KUBELET_SYSCTLS = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Joins the cgroup first, so that nothing the command does can outlive `down`. */
function buildJoinCommand(joinFile: string, command: Command): Command {
  return ['/bin/sh', '-c', 'echo 0 >"$0" && exec "$@"', joinFile, ...command];
}

/** The first process inside. It does nothing; the namespaces live as long as it does. */
export function buildHolderCommand(joinFile: string): Command {
  return buildJoinCommand(joinFile, ['unshare', '--net', '--mount', 'sleep', 'infinity']);
}

export function buildEnterCommand(entrance: Entrance, command: Command): Command {
  const enter: Command = ['nsenter', '-t', String(entrance.holderPid), '-n', '-m', '--', ...command];
  return buildJoinCommand(entrance.joinFile, enter);
}

/**
 * `nsenter` leaves one in `/`; people expect to stay where they are. And Node ignores SIGPIPE, which what it turns into
 * would inherit.
 */
export function buildEnterCommandAt(entrance: Entrance, directory: string, command: Command): Command {
  const arrive = 'cd "$0" && exec env --default-signal=PIPE,XFSZ -- "$@"';
  return buildEnterCommand(entrance, ['/bin/sh', '-c', arrive, directory, ...command]);
}

/** @returns true once the process has left our own network namespace for one of its own. */
export function hasOwnNamespaces(pid: number): true | undefined {
  try {
    const differs = (kind: string) =>
      readlinkSync(`/proc/${pid}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`);
    return differs('net') && differs('mnt') ? true : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** A bridge without ports is the node's interface, and its default route leads nowhere. */
const SET_UP_NETWORK = `
ip link set lo up
ip link add ${NETWORK.nodeInterface} type bridge
ip address add ${NETWORK.node}/${NETWORK.nodeSubnet.split('/')[1] ?? ''} dev ${NETWORK.nodeInterface}
ip link set ${NETWORK.nodeInterface} up
ip route add default dev ${NETWORK.nodeInterface}
echo 1 >/proc/sys/net/ipv4/ip_forward
`;

/**
 * Some programs have paths below /run, /var/lib and /var/log that no flag changes, so the cluster gets its own. All that
 * the machine has in /var/lib stays visible, as somebody's checkout may be there; /mnt is a way to reach what gets hidden.
 * `mount` itself keeps notes in /run, so that comes first, and without notes.
 */
const SET_UP_MOUNTS = `
directory=$1
resolver=$(readlink -m /etc/resolv.conf)
mount --no-mtab --bind "$directory/run" /run
case $resolver in /run/*) mkdir -p "\${resolver%/*}" && touch "$resolver" ;; esac
[ ! -f "$resolver" ] || mount --bind "$directory/config/resolv.conf" "$resolver"
for setting in ${Object.keys(KUBELET_SYSCTLS).join(' ')}; do
  [ ! -e "/proc/sys/$setting" ] || mount --bind "$directory/config/sysctl/$setting" "/proc/sys/$setting"
done
mount --rbind /var/lib /mnt
mount --bind "/mnt/\${directory#/var/lib/}/var-lib" /var/lib
for entry in /mnt/*; do
  name=\${entry##*/}
  case $name in cni | containerd | kubelet) continue ;; esac
  [ -d "$entry" ] && [ ! -L "$entry" ] || continue
  mkdir -p "/var/lib/$name"
  mount --rbind "$entry" "/var/lib/$name"
done
umount --lazy /mnt
mount --bind "$directory/mnt" /mnt
mount --bind "$directory/var-log" /var/log
mount --make-rshared /
`;

/** Gives the namespaces their interface, routes and mounts. */
export async function setUpNamespaces(
  layout: Layout,
  entrance: Entrance,
  signal: AbortSignal,
): Promise<void> {
  writeFileSync(`${layout.config}/resolv.conf`, `nameserver ${NETWORK.dnsService}\n`);
  for (const [setting, value] of Object.entries(KUBELET_SYSCTLS)) {
    const file = `${layout.config}/sysctl/${setting}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${value}\n`);
  }
  const script = `set -eu${SET_UP_NETWORK}${SET_UP_MOUNTS}`;
  const command: Command = ['/bin/sh', '-c', script, 'set-up', layout.directory];
  await run(buildEnterCommand(entrance, command), { log: `${layout.logs}/namespace.log`, signal });
}
