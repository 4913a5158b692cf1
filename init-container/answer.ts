import { isDnsLabel, isDnsSubdomain, isSecretKey, type SecretReference } from '../shared/grammar.ts';
import { SecretValue } from '../shared/secret-value.ts';
import { secretId } from './config.ts';
import { Failure } from './failure.ts';

/** A secret as it arrived: {@link WorkloadSecret} of `shared/api.ts`, checked and decoded. */
export interface ReceivedSecret extends SecretReference {
  readonly version: number;
  readonly data: ReadonlyMap<string, SecretValue>;
}

/**
 * Parses the body of a 200. It comes from Safe, and still decides about paths on a file system; so nothing is taken for
 * granted. A field that is not known is ignored: Safe may be of a later release than the pod.
 *
 * @param asked - what was asked for; empty means everything.
 * @throws Failure `answer_invalid`, naming a field of the answer and never what it holds.
 */
export function parseAnswer(body: Buffer, asked: readonly SecretReference[]): readonly ReceivedSecret[] {
  const { secrets } = asRecord('the answer', parseJson(body));
  if (!Array.isArray(secrets)) throw invalid('secrets is not a list');
  const received = new Map<string, ReceivedSecret>();
  for (const [index, value] of secrets.entries()) {
    const secret = parseSecret(`secrets[${index}]`, value);
    if (received.has(secretId(secret))) throw invalid(`secrets[${index}] is there twice`);
    received.set(secretId(secret), secret);
  }
  checkAsked(received, asked);
  return [...received.values()];
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw invalid('it is not JSON'); // without the parser's message, which quotes its input
  }
}

function checkAsked(received: ReadonlyMap<string, unknown>, asked: readonly SecretReference[]): void {
  const absent = asked.find((secret) => !received.has(secretId(secret)));
  if (absent !== undefined) throw invalid(`secret ${secretId(absent)} is not in it`);
  if (asked.length > 0 && received.size > asked.length)
    throw invalid('it has a secret that was not asked for');
}

function parseSecret(field: string, value: unknown): ReceivedSecret {
  const { namespace, name, version, data } = asRecord(field, value);
  if (typeof namespace !== 'string' || !isDnsLabel(namespace)) throw invalid(`${field}.namespace is wrong`);
  if (typeof name !== 'string' || !isDnsSubdomain(name)) throw invalid(`${field}.name is wrong`);
  if (!Number.isSafeInteger(version) || Number(version) < 1) throw invalid(`${field}.version is wrong`);
  return { namespace, name, version: Number(version), data: parseData(`${field}.data`, data) };
}

function parseData(field: string, value: unknown): ReadonlyMap<string, SecretValue> {
  const data = new Map<string, SecretValue>();
  for (const [key, text] of Object.entries(asRecord(field, value))) {
    if (!isSecretKey(key)) throw invalid(`${field} has a key that cannot be a file name`);
    data.set(key, parseValue(`${field}.${key}`, text));
  }
  return data;
}

/** `Buffer.from(x, 'base64')` never fails and drops what it does not know; so it has to lead back to the same text. */
function parseValue(field: string, text: unknown): SecretValue {
  if (typeof text !== 'string') throw invalid(`${field} is not a string`);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw invalid(`${field} is not base64`);
  return new SecretValue(bytes);
}

function asRecord(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${field} is not an object`);
  }
  return value as Record<string, unknown>; // what JSON.parse makes of an object
}

const invalid = (problem: string): Failure =>
  new Failure(
    'answer_invalid',
    `Safe's answer cannot be used: ${problem}; whoever runs Sotto has to look at the versions of Safe and of this image`,
    { mayPass: true },
  );
