import { isDnsLabel, isDnsSubdomain, parseSecretReference, type SecretReference } from '../shared/grammar.ts';
import type { Format, InitConfig } from '../shared/init-config.ts';
import { INIT_CA_ENV, INIT_CONFIG_ENV, INIT_CONTAINER } from '../shared/names.ts';
import { Failure } from './failure.ts';

export interface Config {
  readonly safe: { readonly host: string; readonly port: number };
  /** PEM certificates, and the only ones that Safe is trusted by. */
  readonly ca: string;
  /** The pod's own. */
  readonly namespace: string;
  /** Each once. Empty means every secret of the pod's namespace that its service account may read. */
  readonly secrets: readonly SecretReference[];
  readonly format: Format;
  /** Exceptions to `format`, by {@link secretId}. */
  readonly formats: ReadonlyMap<string, Format>;
  readonly timeoutMs: number;
}

/** One spelling for each secret, whoever asks. */
export const secretId = ({ namespace, name }: SecretReference): string => `${namespace}/${name}`;

const VERSION = 1;
const FORMATS: readonly string[] = ['files', 'json'] satisfies Format[];
const MAX_SHOWN = 60;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;
const FIELDS: Readonly<Record<keyof InitConfig, true>> = {
  version: true,
  safe: true,
  namespace: true,
  secrets: true,
  format: true,
  formats: true,
  timeoutMs: true,
};

/** @throws Failure `configuration_newer` or `configuration_invalid`, naming the first field that is wrong. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const config = parseDocument(env[INIT_CONFIG_ENV]);
  checkVersion(config['version']);
  checkFields('', config, Object.keys(FIELDS));
  const namespace = check('namespace', 'a namespace', config['namespace'], isDnsLabel);
  return {
    safe: parseAddress(config['safe']),
    ca: parseCertificates(env[INIT_CA_ENV]),
    namespace,
    secrets: parseSecrets(config['secrets'], namespace),
    format: parseFormat('format', config['format']),
    formats: parseFormats(config['formats'], namespace),
    timeoutMs: parseInteger('timeoutMs', config['timeoutMs'], MAX_TIMEOUT_MS),
  };
}

function parseDocument(text: string | undefined): Record<string, unknown> {
  if (text === undefined) throw broken(`${INIT_CONFIG_ENV} is missing`);
  try {
    return asRecord('the document', JSON.parse(text));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw broken(`${INIT_CONFIG_ENV} is not JSON`); // without the parser's message, which quotes its input
  }
}

function checkVersion(version: unknown): void {
  if (version === VERSION) return;
  if (!Number.isSafeInteger(version) || Number(version) < VERSION) throw wrong('version', 'a version');
  throw new Failure(
    'configuration_newer',
    `this pod was made by a newer release of Sotto (its configuration has version ${String(version)}, this image knows ${VERSION}); ` +
      'whoever runs Sotto has to give the webhook the image of its own release',
  );
}

function parseAddress(value: unknown): Config['safe'] {
  const safe = asRecord('safe', value);
  checkFields('safe.', safe, ['host', 'port']);
  return {
    host: check('safe.host', 'a host name', safe['host'], isDnsSubdomain),
    port: parseInteger('safe.port', safe['port'], 65_535),
  };
}

function parseSecrets(value: unknown, namespace: string): readonly SecretReference[] {
  if (!Array.isArray(value)) throw wrong('secrets', 'a list');
  const secrets = new Map<string, SecretReference>();
  for (const [index, text] of value.entries()) {
    const secret = parseReference(`secrets[${index}]`, text, namespace);
    secrets.set(secretId(secret), secret);
  }
  return [...secrets.values()];
}

function parseReference(field: string, value: unknown, namespace: string): SecretReference {
  const reference = typeof value === 'string' ? parseSecretReference(value, namespace) : undefined;
  if (reference === undefined) throw wrong(field, 'a secret such as db or payments/stripe');
  return reference;
}

function parseFormats(value: unknown, namespace: string): ReadonlyMap<string, Format> {
  const entries = Object.entries(asRecord('formats', value));
  return new Map(
    entries.map(([text, format]) => [
      secretId(parseReference('a key of formats', text, namespace)),
      parseFormat('a value of formats', format),
    ]),
  );
}

function parseFormat(field: string, value: unknown): Format {
  const text = check(field, `one of ${FORMATS.join(', ')}`, value, (format) => FORMATS.includes(format));
  return text as Format; // it is one of FORMATS
}

function parseInteger(field: string, value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw wrong(field, `a whole number from 1 to ${max}`);
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** TLS itself stops at the first block that it cannot read, silently, and then distrusts everyone that comes after. */
function parseCertificates(text: string | undefined): string {
  if (text === undefined) throw broken(`${INIT_CA_ENV} is missing`);
  const blocks = [...text.matchAll(CERTIFICATES)];
  const rest = text.replaceAll(CERTIFICATES, '');
  if (blocks.length === 0 || rest.includes('-----') || !blocks.every(([, body = '']) => isDer(body))) {
    throw broken(`${INIT_CA_ENV} must be PEM certificates and nothing else`);
  }
  return text;
}

/** Whether it is one DER SEQUENCE (X.690 §8.1) of exactly its own length, which takes one or two bytes to say. */
function isDer(base64: string): boolean {
  const der = Buffer.from(base64, 'base64');
  if (der.length < 128 || der[0] !== 0x30) return false;
  if (der[1] === 0x81) return der[2] === der.length - 3;
  return der[1] === 0x82 && der.readUInt16BE(2) === der.length - 4;
}

function asRecord(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object');
  return value as Record<string, unknown>; // what JSON.parse makes of an object
}

function checkFields(prefix: string, value: Record<string, unknown>, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (known.includes(field)) continue;
    throw broken(`${prefix}${field.slice(0, MAX_SHOWN)} is not a known field of ${INIT_CONFIG_ENV}`);
  }
}

function check(field: string, what: string, value: unknown, isValid: (text: string) => boolean): string {
  if (typeof value === 'string' && isValid(value)) return value;
  throw wrong(field, what);
}

const wrong = (field: string, expected: string): Failure =>
  broken(`${field} of ${INIT_CONFIG_ENV} must be ${expected}`);

const broken = (problem: string): Failure =>
  new Failure(
    'configuration_invalid',
    `${problem}; whoever runs Sotto has to find what changes the container ${INIT_CONTAINER} after the webhook made it`,
  );
