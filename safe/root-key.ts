import { randomBytes } from 'node:crypto';
import { KEY_BYTES } from './backup/envelope.ts';
import type { RootKey } from './backup/keyring.ts';
import { StoreError } from './backup/store-error.ts';
import type { OwnObjects } from './kube-objects.ts';

/** The Secret of the system namespace that holds the root key, under `root-key`. */
const ROOT_KEY_SECRET = 'sotto-root-key';
const FIELD = 'root-key';

/**
 * The root key from its Kubernetes Secret, made there once when neither the Secret nor a store exists. A store without
 * its key is refused: a new key would open nothing and hide that the old one is gone.
 *
 * @throws StoreError `root_key_missing` or `wrong_root_key`, and whatever the API server's failure is.
 */
export async function obtainRootKey(
  objects: Pick<OwnObjects, 'readSecret' | 'createSecret'>,
  storeExists: boolean,
): Promise<RootKey> {
  const existing = await objects.readSecret(ROOT_KEY_SECRET);
  if (existing !== undefined) return parseRootKey(existing[FIELD]);
  if (storeExists) {
    throw new StoreError(
      'root_key_missing',
      `there is a store, but no Secret ${ROOT_KEY_SECRET} to open it with; restore that Secret, or empty the volume to start anew`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  await objects.createSecret(ROOT_KEY_SECRET, 'Opaque', { [FIELD]: key });
  // Read back, also when another process was first: what is stored is what counts.
  return parseRootKey((await objects.readSecret(ROOT_KEY_SECRET))?.[FIELD]);
}

function parseRootKey(bytes: Buffer | undefined): RootKey {
  if (bytes?.length !== KEY_BYTES) {
    throw new StoreError(
      'wrong_root_key',
      `Secret ${ROOT_KEY_SECRET} must hold ${KEY_BYTES} bytes under "${FIELD}"`,
    );
  }
  return bytes as RootKey;
}
