import { randomBytes } from 'node:crypto';
import { KEY_BYTES } from './backup/envelope.ts';
import type { RootKey } from './backup/keyring.ts';
import { StoreError } from './backup/store-error.ts';
import type { OwnObjects } from './kube-objects.ts';

/**
 * The Secret of the system namespace that holds the root key, under `root-key`, and the id of the store that was made with
 * it, under `store-id`. The two are apart from the volume, so one of them says when the other is gone.
 */
const ROOT_KEY_SECRET = 'sotto-root-key';
const KEY_FIELD = 'root-key';
const STORE_FIELD = 'store-id';

/**
 * The root key from its Kubernetes Secret, made there once when neither the Secret nor a store exists. A store without
 * its key is refused: a new key would open nothing and hide that the old one is gone. So is a key whose store is gone: a
 * new store would be empty, and nobody would notice but the pods that miss their secrets.
 *
 * @throws StoreError `root_key_missing`, `wrong_root_key` or `store_missing`, and whatever the API server's failure is.
 */
export async function obtainRootKey(
  objects: Pick<OwnObjects, 'readSecret' | 'createSecret'>,
  storeExists: boolean,
): Promise<RootKey> {
  const existing = await objects.readSecret(ROOT_KEY_SECRET);
  if (!storeExists && existing?.[STORE_FIELD] !== undefined) {
    throw new StoreError(
      'store_missing',
      `Secret ${ROOT_KEY_SECRET} belongs to a store, but the volume has none; restore the volume, or remove "${STORE_FIELD}" from that Secret to start anew and empty`,
    );
  }
  if (existing !== undefined) return parseRootKey(existing[KEY_FIELD]);
  if (storeExists) {
    throw new StoreError(
      'root_key_missing',
      `there is a store, but no Secret ${ROOT_KEY_SECRET} to open it with; restore that Secret, or empty the volume to start anew`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  await objects.createSecret(ROOT_KEY_SECRET, 'Opaque', { [KEY_FIELD]: key });
  // Read back, also when another process was first: what is stored is what counts.
  return parseRootKey((await objects.readSecret(ROOT_KEY_SECRET))?.[KEY_FIELD]);
}

/**
 * Writes down which store the root key belongs to. Done before anything is served, so that a store which ever acknowledged
 * something is known outside of its volume.
 *
 * @throws StoreError `other_store` when the key belongs to another one than was opened.
 */
export async function rememberStore(
  objects: Pick<OwnObjects, 'readSecret' | 'applySecret'>,
  storeId: Buffer,
): Promise<void> {
  const known = (await objects.readSecret(ROOT_KEY_SECRET))?.[STORE_FIELD];
  const id = Buffer.from(storeId.toString('hex')); // as text: an operator may have to look at it
  if (known?.equals(id) === true) return;
  if (known !== undefined) {
    throw new StoreError(
      'other_store',
      `the volume has another store than the one that Secret ${ROOT_KEY_SECRET} belongs to; mount the right volume, or remove "${STORE_FIELD}" from that Secret to accept this one`,
    );
  }
  await objects.applySecret(ROOT_KEY_SECRET, 'Opaque', { [STORE_FIELD]: id });
}

function parseRootKey(bytes: Buffer | undefined): RootKey {
  if (bytes?.length !== KEY_BYTES) {
    throw new StoreError(
      'wrong_root_key',
      `Secret ${ROOT_KEY_SECRET} must hold ${KEY_BYTES} bytes under "${KEY_FIELD}"`,
    );
  }
  return bytes as RootKey;
}
