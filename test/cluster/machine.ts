import { existsSync } from 'node:fs';
import { ClusterError } from './errors.ts';

/** What of this process decides whether a cluster can run here. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** undefined where there are no user ids. */
  readonly userId: number | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @throws ClusterError with one sentence, which also names what works here all the same. */
export function checkMachine({ platform, userId, environment }: Machine): void {
  if (platform !== 'linux' || userId !== 0) {
    throw new ClusterError(
      'The test cluster needs Linux and root; "make check", all tests without a cluster, needs neither.',
    );
  }
  if (environment['SOTTO_CLUSTER_NAME'] !== undefined) {
    throw new ClusterError(
      `This is a shell inside cluster ${environment['SOTTO_CLUSTER_NAME']}; leave it first.`,
    );
  }
}

/** PATH with the directories of system programs, which root's PATH may lack. */
export function buildPath(environment: NodeJS.ProcessEnv): string {
  const given = (environment['PATH'] ?? '').split(':').filter(Boolean);
  return [...new Set([...given, ...SYSTEM_DIRECTORIES])].join(':');
}

/** `${XDG_CACHE_HOME:-~/.cache}/sotto`. */
export function buildCacheDirectory(environment: NodeJS.ProcessEnv): string {
  const home = environment['HOME'] ?? '/root';
  return `${environment['XDG_CACHE_HOME'] ?? `${home}/.cache`}/sotto`;
}

/** The shell of whoever asks, if it is one of this machine. */
export function chooseShell(environment: NodeJS.ProcessEnv): string {
  const shell = environment['SHELL'];
  return shell !== undefined && existsSync(shell) ? shell : '/bin/sh';
}
