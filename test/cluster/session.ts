import { existsSync } from 'node:fs';
import { buildClusterEnvironment } from './inside.ts';
import { ClusterError } from './errors.ts';
import { buildEnterCommandAt, type Entrance } from './namespace.ts';
import { importImage } from './images.ts';
import { isUp } from './teardown.ts';
import { readState } from './state.ts';
import type { Layout } from './layout.ts';
import type { Command } from './run.ts';

export interface Session {
  readonly command: Command;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * A command as it runs inside: `kubectl` first in PATH, then this very Node, KUBECONFIG of an administrator, and the
 * variables that `inside.ts` reads.
 * @throws ClusterError when the cluster is not up.
 */
export function buildSession(
  layout: Layout,
  command: Command,
  outside: { environment: NodeJS.ProcessEnv; directory: string; node: string },
): Session {
  const { entrance, binaries } = findEntrance(layout);
  const path = [binaries, outside.node, outside.environment['PATH'] ?? ''].join(':');
  const environment = Object.fromEntries(
    Object.entries(outside.environment).filter(([name]) => !isProxy(name)),
  );
  return {
    command: buildEnterCommandAt(entrance, outside.directory, command),
    environment: { ...environment, ...buildClusterEnvironment(layout), PATH: path },
  };
}

/** No proxy can be reached from inside, and kubectl would ask one for the API server. */
function isProxy(variable: string): boolean {
  return /^(https?|all|no)_proxy$/i.test(variable);
}

function findEntrance(layout: Layout): { entrance: Entrance; binaries: string } {
  const state = readState(layout);
  const holder = state?.daemons['holder'];
  if (state === undefined || holder === undefined || !isUp(layout)) {
    throw new ClusterError(`cluster ${layout.name} is not up`, { advice: 'Start it with "make cluster".' });
  }
  return { entrance: { holderPid: holder.pid, joinFile: state.joinFile }, binaries: state.binaries };
}

/** Brings the images of a docker-archive file into the running cluster. @returns their names. */
export async function loadImage(layout: Layout, archive: string, signal: AbortSignal): Promise<string> {
  const { entrance } = findEntrance(layout);
  if (!existsSync(archive)) throw new ClusterError(`there is no file ${archive}`);
  return (await importImage(archive, entrance, { log: `${layout.logs}/images.log`, signal })).trim();
}

/** Becomes the command: its signals, terminal and exit code need no passing on. Does not return. */
export function become({ command: [program, ...args], environment }: Session): never {
  if (process.execve === undefined) throw new ClusterError('this system cannot replace a process');
  return process.execve(program, [program, ...args], environment);
}
