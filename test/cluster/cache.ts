import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { tryLock } from './lock.ts';
import { waitFor } from './poll.ts';

const LOCK_WAIT_MS = 60 * 60_000; // the first build of Kubernetes may take that long on a small machine

/**
 * Makes a directory once. It is made elsewhere and gets its name when it is complete, so what has that name is complete;
 * of two who make it at once the second waits, and finds it there.
 * @returns whether it had to be made.
 */
export async function makeOnce(
  directory: string,
  make: (workshop: string) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  if (existsSync(directory)) return false;
  const parent = dirname(directory);
  mkdirSync(parent, { recursive: true });
  const release = await waitFor(`another process that builds in ${parent}`, () => tryLock(parent, 1), {
    deadlineMs: LOCK_WAIT_MS,
    signal,
  });
  try {
    if (existsSync(directory)) return false;
    removeUnfinished(parent);
    await makeInWorkshop(directory, make);
    return true;
  } finally {
    release();
  }
}

const UNFINISHED = '.unfinished-';

async function makeInWorkshop(directory: string, make: (workshop: string) => Promise<void>): Promise<void> {
  const workshop = mkdtempSync(`${dirname(directory)}/${UNFINISHED}${basename(directory)}-`);
  try {
    await make(workshop);
    renameSync(workshop, directory);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Only the holder of the lock builds, so these are what builds have left that were killed. */
function removeUnfinished(parent: string): void {
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(UNFINISHED)) rmSync(`${parent}/${entry}`, { recursive: true });
  }
}
