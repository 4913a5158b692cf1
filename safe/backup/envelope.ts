import { randomFillSync } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

/** 32 bytes that seal and open. Branded, so that no other key can be passed where one for sealing is meant. */
export type SealingKey = Buffer & { readonly __brand: 'SealingKey' };

export const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;

/** `bytes` of randomness, as `crypto.randomBytes` gives. */
export type Random = (bytes: number) => Buffer;

/**
 * Seals `plaintext` under `key`, bound to `associatedData`: it opens with the same two and nothing else.
 *
 * Layout: nonce(24) || ciphertext || tag(16), XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). The nonce is random; at
 * 192 bits it does not repeat in practice, so no counter has to survive a crash.
 */
export function seal(
  key: SealingKey,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
  random: Random,
): Buffer {
  const nonce = random(NONCE_BYTES);
  return Buffer.concat([nonce, xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext)]);
}

/**
 * Opens what {@link seal} made.
 *
 * @throws EnvelopeError for a wrong key, other associated data, or any changed byte. The three cannot be told apart, by design.
 */
export function open(key: SealingKey, sealed: Uint8Array, associatedData: Uint8Array): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new EnvelopeError();
  const cipher = xchacha20poly1305(key, sealed.subarray(0, NONCE_BYTES), associatedData);
  try {
    return asBuffer(cipher.decrypt(sealed.subarray(NONCE_BYTES)));
  } catch {
    throw new EnvelopeError();
  }
}

/** Carries no cause and no detail: what a cipher says about a failure is of use to an attacker alone. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';

  constructor() {
    super('could not be opened');
  }
}

/**
 * Randomness from a pool that one system call fills: a call for every nonce costs half as much as sealing 1 KiB.
 * Every byte is handed out once and overwritten then.
 */
export function createRandomPool(fill: (pool: Buffer) => void = randomFillSync, poolBytes = 4096): Random {
  const pool = Buffer.allocUnsafeSlow(poolBytes);
  let used = poolBytes;
  return (bytes) => {
    if (used + bytes > poolBytes) {
      fill(pool);
      used = 0;
    }
    const taken = Buffer.from(pool.subarray(used, used + bytes));
    pool.fill(0, used, used + bytes);
    used += bytes;
    return taken;
  };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
