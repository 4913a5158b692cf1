import * as v from 'valibot';
import type { SecretReference } from '../../shared/grammar.ts';
import { SecretValue } from '../../shared/secret-value.ts';
import type { SealedRecord } from '../engines/engine.ts';
import type { SecretVersion } from '../secret.ts';
import { createReading, lengthPrefixed, u32, u64 } from './encoding.ts';
import { EnvelopeError, open, seal, type Random } from './envelope.ts';
import type { Keyring } from './keyring.ts';

/** Format of what follows. A reader refuses a number that it does not know. */
const FORMAT = 1;
const HEADER_BYTES = 5;

/** The length of a short password is worth knowing to a thief, so plaintext grows in steps of this. */
const PADDING_BYTES = 256;

const body = v.strictObject({
  namespace: v.string(),
  name: v.string(),
  deleted: v.boolean(),
  readers: v.array(v.strictObject({ namespace: v.string(), serviceAccount: v.string() })),
  createdAt: v.number(),
  updatedAt: v.number(),
  /** Keys and the lengths of their values, which follow in this order. */
  values: v.array(v.tuple([v.string(), v.number()])),
});

/** What the engine knows a secret by. Without the key for names, nothing can be learnt from it but that two are the same. */
export const recordId = (keyring: Keyring, { namespace, name }: SecretReference): Buffer =>
  keyring.nameHash(
    Buffer.concat([lengthPrefixed(Buffer.from(namespace)), lengthPrefixed(Buffer.from(name))]),
  );

/**
 * Seals one version of a secret for its place in the store.
 *
 * Layout: format(1) || generation(4) || envelope. Plaintext: length-prefixed JSON of everything but the values, then the
 * values' bytes, behind a length and padded with zeros to a multiple of 256. Associated data: header, store id, record id,
 * version and sequence, so a record that is swapped, renamed, replayed or taken from another store does not open.
 */
export function sealRecord(
  keyring: Keyring,
  secret: SecretVersion,
  seq: number,
  random: Random,
): SealedRecord {
  const id = recordId(keyring, secret);
  const place = { seq, id, version: secret.version };
  const header = Buffer.concat([Buffer.of(FORMAT), u32(keyring.activeGeneration)]);
  const plaintext = encodeSecret(secret);
  const key = keyring.recordKey(keyring.activeGeneration);
  const sealed = Buffer.concat([header, seal(key, plaintext, placeContext(header, keyring, place), random)]);
  plaintext.fill(0);
  return { ...place, sealed };
}

/**
 * Opens what {@link sealRecord} made, at the place where the engine has it.
 *
 * @throws EnvelopeError for anything but exactly that record in exactly that place.
 */
export function openRecord(keyring: Keyring, { seq, id, version, sealed }: SealedRecord): SecretVersion {
  const header = sealed.subarray(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || header[0] !== FORMAT) throw new EnvelopeError();
  const key = keyring.recordKey(header.readUInt32BE(1));
  const place = { seq, id, version };
  const plaintext = open(key, sealed.subarray(HEADER_BYTES), placeContext(header, keyring, place));
  const secret = decodeSecret(plaintext, version);
  if (!recordId(keyring, secret).equals(id)) throw new EnvelopeError();
  return secret;
}

function placeContext(header: Buffer, keyring: Keyring, place: Omit<SealedRecord, 'sealed'>): Buffer {
  return Buffer.concat([header, keyring.storeId, place.id, u64(place.version), u64(place.seq)]);
}

function encodeSecret(secret: SecretVersion): Buffer {
  const { namespace, name, deleted, readers, createdAt, updatedAt, data } = secret;
  const values = [...data].map(([key, value]): [string, number] => [key, value.byteLength]);
  const described = { namespace, name, deleted, readers: [...readers], createdAt, updatedAt, values };
  const parts = [
    lengthPrefixed(Buffer.from(JSON.stringify(described satisfies v.InferOutput<typeof body>))),
    ...[...data.values()].map((value) => value.reveal()),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = Buffer.alloc(Math.ceil((4 + length) / PADDING_BYTES) * PADDING_BYTES);
  padded.writeUInt32BE(length);
  let at = 4;
  for (const part of parts) at += part.copy(padded, at);
  return padded;
}

/** Values are views of `plaintext`: one allocation holds a whole secret. */
function decodeSecret(plaintext: Buffer, version: number): SecretVersion {
  const reading = createReading(createReading(plaintext).lengthPrefixed());
  const { values, ...described } = v.parse(body, JSON.parse(reading.lengthPrefixed().toString()));
  const data = new Map(values.map(([key, length]) => [key, new SecretValue(reading.bytes(length))]));
  return { ...described, version, data };
}
