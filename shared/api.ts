import * as v from 'valibot';
import { isDnsLabel, isDnsSubdomain, isSecretKey } from './grammar.ts';
import { parse } from './parse.ts';

/**
 * Safe's HTTP API: the bodies that travel, and the parse function of each one that Safe or the CLI receives.
 * Values are standard base64 (RFC 4648 §4, padded) and nothing else.
 */

const dnsLabel = v.pipe(v.string(), v.check(isDnsLabel, 'must be a DNS-1123 label'));
const serviceAccount = v.pipe(
  v.string(),
  v.check((text) => text === '*' || isDnsSubdomain(text), 'must be a service account name or "*"'),
);

/** A service account that may fetch a secret; `*` means every one of that namespace. Matching is exact. */
const reader = v.strictObject({ serviceAccount, namespace: v.optional(dnsLabel) });

const MAX_READERS = 1000;
const MAX_KEYS = 1000;

/** The length first: a million wrong elements would otherwise be described one by one. */
const readers = v.pipe(
  v.custom<readonly unknown[]>(Array.isArray, 'must be an array'),
  v.check((list) => list.length <= MAX_READERS, `must have at most ${MAX_READERS} entries`),
  v.array(reader),
);

/**
 * Keys and values are told by their number and never by their text: whoever mixes the two up, or sends a value for a key,
 * must not find a secret in an answer.
 */
const data = v.pipe(
  // Not `v.record`: it drops keys such as "constructor", which are as good as any other.
  v.custom<Readonly<Record<string, unknown>>>(isPlainObject, 'must be an object of keys and values'),
  v.check((entries) => Object.keys(entries).length > 0, 'must have at least one key'),
  v.check((entries) => Object.keys(entries).length <= MAX_KEYS, `must have at most ${MAX_KEYS} keys`),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [index, [key, value]] of Object.entries(dataset.value).entries()) {
      const problem = findEntryProblem(key, value);
      if (problem !== undefined) addIssue({ message: `has an entry, number ${index + 1}, whose ${problem}` });
    }
  }),
  v.transform((entries) => entries as Readonly<Record<string, string>>),
);

function isPlainObject(input: unknown): boolean {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function findEntryProblem(key: string, value: unknown): string | undefined {
  if (!isSecretKey(key)) return 'key is outside [-._a-zA-Z0-9]{1,253}, or starts with ".."';
  if (typeof value !== 'string' || !isBase64(value)) return 'value is not base64 (RFC 4648, padded)';
  return undefined;
}

const putSecretRequest = v.strictObject({ data, readers: v.optional(readers) });

export type Reader = v.InferOutput<typeof reader>;

/** `readers` left out keeps those of the version that is replaced; a new secret then has none, so nobody may read it. */
export type PutSecretRequest = v.InferOutput<typeof putSecretRequest>;

/** @throws AppError `invalid_request` naming every field that is wrong. */
export const parsePutSecretRequest = (input: unknown): PutSecretRequest =>
  parse(putSecretRequest, input, { abortPipeEarly: true });

const secretMetadata = v.object({
  namespace: v.string(),
  name: v.string(),
  version: v.number(),
  keys: v.array(v.string()),
  readers: v.array(v.object({ serviceAccount: v.string(), namespace: v.string() })),
  sizeBytes: v.number(),
  createdAt: v.string(),
  updatedAt: v.string(),
});

/** All that the administration API ever tells about a secret. Times are RFC 3339 in UTC; `sizeBytes` counts keys and values. */
export type SecretMetadata = v.InferOutput<typeof secretMetadata>;

export const parseSecretMetadata = (input: unknown): SecretMetadata => parse(secretMetadata, input);

const secretList = v.object({ items: v.array(secretMetadata), continue: v.optional(v.string()) });

/** One page. `continue` is opaque and present while there is more. */
export type SecretList = v.InferOutput<typeof secretList>;

export const parseSecretList = (input: unknown): SecretList => parse(secretList, input);

/** What a workload gets from `GET /v1/secrets`, ordered by namespace and name. `revision` is also its `ETag`. */
export interface WorkloadSecrets {
  readonly revision: string;
  readonly secrets: readonly WorkloadSecret[];
}

export interface WorkloadSecret {
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  /** Key to value, in base64. */
  readonly data: Readonly<Record<string, string>>;
}

const errorBody = v.object({ error: v.object({ code: v.string(), message: v.string() }) });

/** The body of every answer that is not 2xx. */
export type ErrorBody = v.InferOutput<typeof errorBody>;

export const parseErrorBody = (input: unknown): ErrorBody => parse(errorBody, input);

/** `Buffer.from(x, 'base64')` never fails and drops what it does not know, so a broken value would be stored silently. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
