/** The few encodings that the backup format is made of: big-endian integers and length prefixes, nothing optional. */

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** `u32 length || bytes`. Without the length, ("ab", "c") and ("a", "bc") would be the same bytes. */
export const lengthPrefixed = (bytes: Uint8Array): Buffer => Buffer.concat([u32(bytes.length), bytes]);

/** Reads what the functions above wrote, front to back. */
export interface Reading {
  u8(): number;
  u32(): number;
  u64(): number;
  bytes(length: number): Buffer;
  lengthPrefixed(): Buffer;
  /** How many bytes are left. */
  left(): number;
}

/** @throws EncodingError from any call that would read past the end, or an integer beyond 2^53. */
export function createReading(source: Buffer): Reading {
  let at = 0;
  const bytes = (length: number): Buffer => {
    if (at + length > source.length) throw new EncodingError('ends too early');
    at += length;
    return source.subarray(at - length, at);
  };
  const readU32 = () => bytes(4).readUInt32BE();
  return {
    u8: () => bytes(1).readUInt8(),
    u32: readU32,
    u64: () => {
      const value = bytes(8).readBigUInt64BE();
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new EncodingError('holds too large a number');
      return Number(value);
    },
    bytes,
    lengthPrefixed: () => bytes(readU32()),
    left: () => source.length - at,
  };
}

export class EncodingError extends Error {
  override readonly name = 'EncodingError';
}
