import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { ClusterError, Interrupted } from './errors.ts';
import { prepare, PREPARE_STEPS, type Context } from './prepare.ts';
import {
  isAnythingLeft,
  isUp,
  lockCluster,
  removeCluster,
  removeDirectories,
  writeOwner,
} from './teardown.ts';
import { start, START_STEPS } from './start.ts';
import { waitFor } from './poll.ts';
import type { Layout } from './layout.ts';
import type { Release } from './lock.ts';

export const UP_STEPS = PREPARE_STEPS + START_STEPS;
const LOCK_WAIT_MS = 15 * 60_000;

/** Starts the cluster unless it is up. If anything goes wrong, or somebody stops it, nothing is left but the logs. */
export async function up(layout: Layout, context: Context): Promise<void> {
  const { say } = context.progress;
  if (isUp(layout)) {
    say(`cluster ${layout.name} is up already`);
    return;
  }
  const materials = await prepare(context);
  const release = await waitForLock(layout, context);
  try {
    if (isUp(layout)) {
      say(`cluster ${layout.name} has been started meanwhile`);
      return;
    }
    if (isAnythingLeft(layout)) say('cleaning up what is left of a cluster that has ended');
    await removeCluster(layout);
    writeOwner(layout);
    await start(layout, materials, context);
    say(`cluster ${layout.name} is ready after ${context.progress.elapsed()}`);
  } catch (error) {
    const failure = error instanceof Interrupted ? error : keepLogs(error, layout, context);
    await removeCluster(layout);
    removeDirectories(layout);
    throw failure;
  } finally {
    release();
  }
}

async function waitForLock(layout: Layout, { progress, signal }: Context): Promise<Release> {
  const first = await lockCluster(layout);
  if (first !== undefined) return first;
  progress.say(`another process is starting or stopping cluster ${layout.name}; waiting for it`);
  try {
    return await waitFor('the other process', () => lockCluster(layout), {
      deadlineMs: LOCK_WAIT_MS,
      signal,
    });
  } catch (error) {
    await removeUnused(layout);
    throw error;
  }
}

/** Asking for the lock makes the directory. */
async function removeUnused(layout: Layout): Promise<void> {
  const release = await lockCluster(layout);
  if (release === undefined) return; // in use, so it is not ours to remove
  if (readdirSync(layout.directory).length === 0) removeDirectories(layout);
  release();
}

/** Copies the logs to where they outlive the cluster. @returns the error, with the place of the log that it names. */
function keepLogs(error: unknown, layout: Layout, { cache }: Context): unknown {
  const kept = `${cache}/failed-${layout.name}`;
  rmSync(kept, { recursive: true, force: true });
  if (existsSync(layout.logs)) cpSync(layout.logs, kept, { recursive: true });
  if (!(error instanceof ClusterError) || error.log?.startsWith(layout.logs) !== true) return error;
  const advice = error.advice ?? `All logs of this attempt are in ${kept}.`;
  return new ClusterError(error.message, { advice, log: error.log.replace(layout.logs, kept), cause: error });
}
