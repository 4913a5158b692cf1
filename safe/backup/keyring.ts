import { createHmac, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { createReading, lengthPrefixed, u32 } from './encoding.ts';
import { EnvelopeError, KEY_BYTES, open, seal, type Random, type SealingKey } from './envelope.ts';

/** The 32 bytes that everything hangs on. It wraps the keyring and nothing else. */
export type RootKey = SealingKey & { readonly __root: 'RootKey' };

export const STORE_ID_BYTES = 16;
export const ROOT_KEY_ID_BYTES = 8;

/** Every key that a store uses. It lives in memory; on disk there is only what {@link wrapKeyring} makes. */
export interface Keyring {
  /** Random, made with the store, in every associated data: a record of another store does not open here. */
  readonly storeId: Buffer;
  /** What seals from now on; older generations still open. */
  readonly activeGeneration: number;
  /** @throws EnvelopeError for a generation that the keyring does not hold. */
  recordKey(generation: number): SealingKey;
  headKey(generation: number): SealingKey;
  /** HMAC-SHA-256 under the key for names. It never rotates, so a record's id is the same in every generation. */
  nameHash(bytes: Uint8Array): Buffer;
  /** HMAC-SHA-256 under the key for the set digest. */
  digestHash(bytes: Uint8Array): Buffer;
  /** What {@link wrapKeyring} writes and {@link unwrapKeyring} reads. */
  readonly seeds: KeyringSeeds;
}

export interface KeyringSeeds {
  readonly storeId: Buffer;
  readonly storeSeed: Buffer;
  /** Generation number to seed; the highest number seals. */
  readonly generations: ReadonlyMap<number, Buffer>;
}

/** The seeds of a new store: generation 1 and no other. */
export function createSeeds(random: Random = randomBytes): KeyringSeeds {
  return {
    storeId: random(STORE_ID_BYTES),
    storeSeed: random(KEY_BYTES),
    generations: new Map([[1, random(KEY_BYTES)]]),
  };
}

/** Derives every key from its seed by HKDF-SHA-256 (RFC 5869) with the store id as salt and a label of its own. */
export function createKeyring(seeds: KeyringSeeds): Keyring {
  const { storeId, storeSeed, generations } = seeds;
  const derive = (seed: Buffer, label: string) => deriveKey(seed, storeId, label);
  const recordKeys = new Map([...generations].map(([id, seed]) => [id, derive(seed, 'sotto/1/record')]));
  const headKeys = new Map([...generations].map(([id, seed]) => [id, derive(seed, 'sotto/1/head')]));
  const nameKey = createSecretKey(derive(storeSeed, 'sotto/1/name'));
  const digestKey = createSecretKey(derive(storeSeed, 'sotto/1/digest'));
  return {
    storeId,
    activeGeneration: Math.max(...generations.keys()),
    recordKey: (generation) => keyOf(recordKeys, generation),
    headKey: (generation) => keyOf(headKeys, generation),
    nameHash: (bytes) => hmac(nameKey, bytes),
    digestHash: (bytes) => hmac(digestKey, bytes),
    seeds,
  };
}

const WRAP_LABEL = Buffer.from('sotto/1/keyring');

/**
 * Wraps the seeds under the root key.
 *
 * Plaintext: storeSeed(32) || u32 count || count × (u32 generation || seed(32)). Associated data: the label
 * `sotto/1/keyring`, the root key's id and the store's id, each with its length.
 */
export function wrapKeyring(
  rootKey: RootKey,
  { storeId, storeSeed, generations }: KeyringSeeds,
  random: Random,
): Buffer {
  const plaintext = Buffer.concat([
    storeSeed,
    u32(generations.size),
    ...[...generations].flatMap(([id, seed]) => [u32(id), seed]),
  ]);
  return seal(wrappingKey(rootKey), plaintext, wrapContext(rootKey, storeId), random);
}

/** @throws EnvelopeError when it was not wrapped under this root key for this store, or was changed. */
export function unwrapKeyring(rootKey: RootKey, storeId: Buffer, wrapped: Buffer): KeyringSeeds {
  const reading = createReading(open(wrappingKey(rootKey), wrapped, wrapContext(rootKey, storeId)));
  const storeSeed = reading.bytes(KEY_BYTES);
  const count = reading.u32();
  const generations = new Map<number, Buffer>();
  for (let i = 0; i < count; i++) generations.set(reading.u32(), reading.bytes(KEY_BYTES));
  return { storeId, storeSeed, generations };
}

/** Names a root key without telling it, so that a wrong one is called wrong and not taken for damage. */
export const rootKeyId = (rootKey: RootKey): Buffer =>
  deriveKey(rootKey, Buffer.alloc(0), 'sotto/1/root-key-id').subarray(0, ROOT_KEY_ID_BYTES);

const wrappingKey = (rootKey: RootKey) => deriveKey(rootKey, Buffer.alloc(0), 'sotto/1/wrap');

const wrapContext = (rootKey: RootKey, storeId: Buffer) =>
  Buffer.concat([WRAP_LABEL, rootKeyId(rootKey), storeId].map(lengthPrefixed));

const deriveKey = (seed: Buffer, salt: Buffer, label: string): SealingKey =>
  Buffer.from(hkdfSync('sha256', seed, salt, label, KEY_BYTES)) as SealingKey;

const hmac = (key: KeyObject, bytes: Uint8Array) => createHmac('sha256', key).update(bytes).digest();

function keyOf(keys: ReadonlyMap<number, SealingKey>, generation: number): SealingKey {
  const key = keys.get(generation);
  if (key === undefined) throw new EnvelopeError();
  return key;
}
