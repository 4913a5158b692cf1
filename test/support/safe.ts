import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openBackup, type Backup } from '../../safe/backup/backup.ts';
import type { RootKey } from '../../safe/backup/keyring.ts';
import type { Engine } from '../../safe/engines/engine.ts';
import { createSqliteEngine } from '../../safe/engines/sqlite.ts';
import type { Identity } from '../../safe/identity.ts';
import { createStore, type Store } from '../../safe/store.ts';
import { tempDir } from './temp-dir.ts';

export const ROOT_KEY = Buffer.alloc(32, 7) as Buffer as RootKey;

export interface OpenedSafe {
  readonly engine: Engine;
  readonly backup: Backup;
  readonly store: Store;
}

/** The store on a real SQLite file, opened as `main.ts` does it. */
export async function openSafe(path: string, rootKey = ROOT_KEY): Promise<OpenedSafe> {
  const engine = createSqliteEngine(path);
  try {
    const backup = await openBackup(engine, () => Promise.resolve(rootKey), randomBytes);
    return {
      engine,
      backup,
      store: createStore(backup.loaded, backup.save, { now: Date.now, onLost: () => undefined }),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** A new store that is closed when the test ends. */
export async function newSafe(t: TestContext): Promise<OpenedSafe & { readonly path: string }> {
  const path = join(tempDir(t), 'safe.db');
  const safe = await openSafe(path);
  t.after(() => safe.engine.close());
  return { ...safe, path };
}

/** What TokenReview makes of the token of a pod `pod-1` with this service account. */
export const identity = (namespace: string, serviceAccount: string): Identity => ({
  namespace,
  serviceAccount,
  pod: { name: 'pod-1', uid: 'uid-1' },
  node: 'node',
  credentialId: 'JTI=1',
  user: { username: `system:serviceaccount:${namespace}:${serviceAccount}`, uid: 'u', groups: [], extra: {} },
});
