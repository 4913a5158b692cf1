import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createCgroups } from './cgroups.ts';
import { ClusterError } from './errors.ts';
import { tryLock, type Release } from './lock.ts';
import { isGone, isRunning, processIdentity, readIdentity, signalProcess } from './processes.ts';
import { waitFor } from './poll.ts';
import { readJson, readState } from './state.ts';
import type { Layout } from './layout.ts';

const POLITE_WAIT_MS = 30_000;

/** Clusters of which anything is left, be it only a directory. */
export function listClusters(base: string): string[] {
  return existsSync(base) ? readdirSync(base) : [];
}

/** @returns whether all that belongs to a running cluster is alive. */
export function isUp(layout: Layout): boolean {
  const state = readState(layout);
  return state?.phase === 'up' && Object.values(state.daemons).every(isRunning);
}

export function isAnythingLeft(layout: Layout): boolean {
  return createCgroups(layout.cgroup).exist() || existsSync(layout.stateFile);
}

/** Remembers who is at work on the cluster, so that `down` can stop an `up` that goes on elsewhere. */
export function writeOwner(layout: Layout): void {
  writeFileSync(layout.ownerFile, JSON.stringify(readIdentity(process.pid)));
}

/** Makes this process the only one that changes the cluster. @returns undefined if the wait was in vain. */
export function lockCluster(layout: Layout): Promise<Release | undefined> {
  mkdirSync(layout.directory, { recursive: true, mode: 0o700 });
  return tryLock(layout.directory, 1);
}

/**
 * Kills what runs, and with the last process its namespaces with all interfaces and mounts in them are gone; then
 * removes cgroups and files. Works on any remainder, and needs no state: membership in the cgroup says what is ours.
 */
export async function removeCluster(layout: Layout): Promise<void> {
  const processes = Object.values(readState(layout)?.daemons ?? {});
  for (const identity of processes) signalProcess(identity, 'SIGKILL');
  await createCgroups(layout.cgroup).remove();
  await waitFor('the daemons to end', () => (processes.some(isRunning) ? undefined : true), {
    deadlineMs: 10_000,
  });
  for (const entry of readdirSync(layout.directory)) {
    await rm(`${layout.directory}/${entry}`, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Stops the cluster, even one that is just starting. @returns false when there was nothing to stop. */
export async function down(layout: Layout): Promise<boolean> {
  if (!existsSync(layout.directory) && !createCgroups(layout.cgroup).exist()) return false;
  const release = (await lockCluster(layout)) ?? (await takeOver(layout));
  await removeCluster(layout);
  removeDirectories(layout);
  release();
  return true;
}

/** The directory itself is the lock, so it goes last; the one above it only with the last cluster. */
export function removeDirectories(layout: Layout): void {
  rmdirSync(layout.directory);
  try {
    rmdirSync(layout.base);
  } catch (error) {
    if (!isGone(error) && !(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY'))
      throw error;
  }
}

/** Asks the other process to stop, which makes an `up` clean up after itself, and at last does not ask any more. */
async function takeOver(layout: Layout): Promise<Release> {
  const owner = readJson(layout.ownerFile, processIdentity);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (owner !== undefined) signalProcess(owner, signal);
    const release = await waitFor('the lock', () => lockCluster(layout), {
      deadlineMs: POLITE_WAIT_MS,
    }).catch(() => undefined);
    if (release !== undefined) return release;
  }
  throw new ClusterError(`another process keeps ${layout.directory} locked`, {
    advice: `Find it with "fuser ${layout.directory}".`,
  });
}
