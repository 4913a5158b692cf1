import { AppError } from '../shared/errors.ts';
import { MAX_SECRET_BYTES, type SecretReference } from '../shared/grammar.ts';
import type { Reader as ReaderRequest, SecretMetadata } from '../shared/api.ts';
import type { SecretValue } from '../shared/secret-value.ts';

/** Who may fetch a secret: one service account, or with `*` every one of that namespace. */
export interface Reader {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * One version of a secret. Versions count 1, 2, 3 … and none is used twice: a deletion is a version of its own, without
 * data or readers, so what is stored after it goes on counting.
 */
export interface SecretVersion extends SecretReference {
  readonly version: number;
  readonly deleted: boolean;
  /** Key to value, in the order of the keys' code units. */
  readonly data: ReadonlyMap<string, SecretValue>;
  readonly readers: readonly Reader[];
  /** Milliseconds since the epoch: of the first version after nothing or a deletion, and of this one. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One string for a reference; `/` is in no namespace, so two references never share it. */
export const referenceKey = ({ namespace, name }: SecretReference): string => `${namespace}/${name}`;

/** Bytes of keys and values together, which is what the limit of 1 MiB counts. */
export function sizeOf(data: ReadonlyMap<string, SecretValue>): number {
  let bytes = 0;
  for (const [key, value] of data) bytes += key.length + value.byteLength;
  return bytes;
}

/** @throws AppError `too_large` beyond 1 MiB. */
export function checkSize(data: ReadonlyMap<string, SecretValue>): void {
  const bytes = sizeOf(data);
  if (bytes > MAX_SECRET_BYTES) {
    throw new AppError('too_large', `data holds ${bytes} bytes; a secret may hold ${MAX_SECRET_BYTES}`);
  }
}

/** The readers a request names, with the secret's own namespace where it names none, sorted and each once. */
export function resolveReaders(requested: readonly ReaderRequest[], namespace: string): Reader[] {
  const byKey = new Map(
    requested.map((reader) => {
      const resolved = { namespace: reader.namespace ?? namespace, serviceAccount: reader.serviceAccount };
      return [`${resolved.namespace}/${resolved.serviceAccount}`, resolved];
    }),
  );
  return [...byKey].sort(([a], [b]) => compareCodeUnits(a, b)).map(([, reader]) => reader);
}

export function describeSecret(secret: SecretVersion): SecretMetadata {
  return {
    namespace: secret.namespace,
    name: secret.name,
    version: secret.version,
    keys: [...secret.data.keys()],
    readers: [...secret.readers],
    sizeBytes: sizeOf(secret.data),
    createdAt: new Date(secret.createdAt).toISOString(),
    updatedAt: new Date(secret.updatedAt).toISOString(),
  };
}

/** The order of everything we list: by code units, the same on every machine. */
export const compareCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
