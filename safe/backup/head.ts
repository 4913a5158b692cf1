import { createReading, lengthPrefixed, u32, u64, EncodingError } from './encoding.ts';
import { EnvelopeError, open, seal, type Random } from './envelope.ts';
import {
  ROOT_KEY_ID_BYTES,
  rootKeyId,
  STORE_ID_BYTES,
  unwrapKeyring,
  createKeyring,
  type Keyring,
  type RootKey,
} from './keyring.ts';
import { StoreError } from './store-error.ts';

const MAGIC = Buffer.from('SOTTO');
const FORMAT = 1;
const STATE_LABEL = Buffer.from('sotto/1/head');
const DIGEST_BYTES = 32;
const DIGEST_MODULUS = 1n << 256n;

/** What the head proves of the records beside it: how far counting got, how many there are, and which. */
export interface HeadState {
  /** The highest sequence number ever given to a record. */
  readonly seq: number;
  readonly count: number;
  /** Sum of the records' terms modulo 2^256: MSet-Add-Hash (Clarke et al., ASIACRYPT 2003). */
  readonly digest: bigint;
}

/** What a record adds to the set digest. One that is dropped, doubled or kept too long makes another sum. */
export function digestTerm(keyring: Keyring, seq: number, sealed: Buffer): bigint {
  return BigInt(`0x${keyring.digestHash(Buffer.concat([u64(seq), sealed])).toString('hex')}`);
}

export const addTerm = (digest: bigint, term: bigint): bigint => (digest + term) % DIGEST_MODULUS;
export const removeTerm = (digest: bigint, term: bigint): bigint =>
  (digest - term + DIGEST_MODULUS) % DIGEST_MODULUS;

/** The part of a head that stays the same between rotations: the keyring under the root key. */
export interface HeadPrefix {
  readonly rootKeyId: Buffer;
  readonly wrappedKeyring: Buffer;
}

/**
 * Layout: "SOTTO" || format(1) || store id(16) || root key id(8) || u32 length, wrapped keyring || u32 generation ||
 * u32 length, sealed state. State: u64 sequence || u64 count || digest(32), bound to store, generation and revision.
 */
export function sealHead(
  keyring: Keyring,
  prefix: HeadPrefix,
  state: HeadState,
  sealing: HeadSealing,
): Buffer {
  const generation = keyring.activeGeneration;
  const digest = Buffer.from(state.digest.toString(16).padStart(DIGEST_BYTES * 2, '0'), 'hex');
  const plaintext = Buffer.concat([u64(state.seq), u64(state.count), digest]);
  const context = stateContext(keyring.storeId, generation, sealing.revision);
  return Buffer.concat([
    MAGIC,
    Buffer.of(FORMAT),
    keyring.storeId,
    prefix.rootKeyId,
    lengthPrefixed(prefix.wrappedKeyring),
    u32(generation),
    lengthPrefixed(seal(keyring.headKey(generation), plaintext, context, sealing.random)),
  ]);
}

export interface HeadSealing {
  /** The revision that the commit with this head makes. */
  readonly revision: number;
  readonly random: Random;
}

export interface OpenedHead {
  readonly keyring: Keyring;
  readonly prefix: HeadPrefix;
  readonly state: HeadState;
}

/** @throws StoreError `wrong_root_key`, `newer_format` or `damaged`, each with a sentence for the operator. */
export function openHead(sealed: Buffer, revision: number, rootKey: RootKey): OpenedHead {
  try {
    return openHeadParts(sealed, revision, rootKey);
  } catch (error) {
    if (error instanceof EnvelopeError || error instanceof EncodingError) {
      throw new StoreError('damaged', 'the head of the store was changed or damaged');
    }
    throw error;
  }
}

function openHeadParts(sealed: Buffer, revision: number, rootKey: RootKey): OpenedHead {
  const reading = createReading(sealed);
  if (!reading.bytes(MAGIC.length).equals(MAGIC)) throw new EnvelopeError();
  const format = reading.u8();
  if (format !== FORMAT)
    throw new StoreError('newer_format', `the store has format ${format}; this Safe knows ${FORMAT}`);
  const storeId = reading.bytes(STORE_ID_BYTES);
  const prefix = { rootKeyId: reading.bytes(ROOT_KEY_ID_BYTES), wrappedKeyring: reading.lengthPrefixed() };
  if (!prefix.rootKeyId.equals(rootKeyId(rootKey))) {
    throw new StoreError('wrong_root_key', 'the store was sealed under another root key than the one given');
  }
  const keyring = createKeyring(unwrapKeyring(rootKey, storeId, prefix.wrappedKeyring));
  const generation = reading.u32();
  const context = stateContext(storeId, generation, revision);
  const state = createReading(open(keyring.headKey(generation), reading.lengthPrefixed(), context));
  if (reading.left() !== 0) throw new EnvelopeError();
  return {
    keyring,
    prefix,
    state: {
      seq: state.u64(),
      count: state.u64(),
      digest: BigInt(`0x${state.bytes(DIGEST_BYTES).toString('hex')}`),
    },
  };
}

const stateContext = (storeId: Buffer, generation: number, revision: number) =>
  Buffer.concat([lengthPrefixed(STATE_LABEL), storeId, u32(generation), u64(revision)]);
