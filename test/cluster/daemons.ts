import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { ClusterError } from './errors.ts';
import { readIdentity } from './processes.ts';
import { writeState, type ClusterState } from './state.ts';
import type { Layout } from './layout.ts';
import type { Command } from './run.ts';

export interface Daemons {
  /** Starts a program that goes on after this process has ended. @returns its pid. */
  start(name: string, command: Command): number;
  /** Aborts with a ClusterError when one of them ends. */
  readonly signal: AbortSignal;
}

/** Every daemon is noted in the state before the next one starts; it is in the cluster's cgroup already by then. */
export function createDaemons(layout: Layout, state: ClusterState, path: string): Daemons {
  const failure = new AbortController();
  return {
    signal: failure.signal,
    start: (name, [program, ...args]) => {
      const log = `${layout.logs}/${name}.log`;
      const output = openSync(log, 'a', 0o600);
      // Detached: Ctrl-C in the terminal is for us. The environment is ours alone: no proxy, no stranger's setting.
      const child = spawn(program, args, {
        cwd: '/',
        detached: true,
        env: { PATH: path, HOME: '/root' },
        stdio: ['ignore', output, output],
      });
      closeSync(output);
      child.on('error', (cause) => failure.abort(new ClusterError(`${name} cannot be run`, { cause })));
      child.on('exit', (code, signal) => {
        const how = `${name} ended with ${code ?? signal ?? 'nothing'} while the cluster was starting`;
        failure.abort(new ClusterError(how, { log }));
      });
      child.unref();
      const identity = child.pid === undefined ? undefined : readIdentity(child.pid);
      if (identity === undefined) throw new ClusterError(`${name} did not start`, { log });
      state.daemons[name] = identity;
      writeState(layout, state);
      return identity.pid;
    },
  };
}
