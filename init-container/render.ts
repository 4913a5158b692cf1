import { isUtf8 } from 'node:buffer';
import { SecretValue } from '../shared/secret-value.ts';
import type { ReceivedSecret } from './answer.ts';
import { secretId, type Config } from './config.ts';
import { Failure } from './failure.ts';

export interface RenderedFile {
  /** Below the mount path; one to three segments with `/` between them. */
  readonly path: string;
  readonly content: SecretValue;
}

type Layout = Pick<Config, 'namespace' | 'format' | 'formats'>;

/** A file, and what it comes from in words. */
interface Output extends RenderedFile {
  readonly origin: string;
}

/** Of a file name, in bytes, on every file system there is. */
const MAX_FILE_NAME = 255;

/**
 * The files of `secrets`: `db/password`, or `db.json` with all keys; below `payments/` when the secret is of another
 * namespace than the pod. A value is written byte for byte.
 *
 * @throws Failure `secret_not_representable` when a format cannot hold a value, or two secrets would be one path.
 */
export function render(secrets: readonly ReceivedSecret[], layout: Layout): readonly RenderedFile[] {
  const outputs = secrets.flatMap((secret) => renderSecret(secret, layout));
  checkCollisions(outputs);
  return outputs;
}

function renderSecret(secret: ReceivedSecret, { namespace, format, formats }: Layout): readonly Output[] {
  const path = secret.namespace === namespace ? secret.name : secretId(secret);
  const origin = `secret ${secretId(secret)}`;
  if ((formats.get(secretId(secret)) ?? format) === 'json') {
    return [{ path: checkFileName(`${path}.json`, origin), content: encodeJson(secret), origin }];
  }
  return [...secret.data].map(([key, content]) => ({
    path: `${path}/${key}`,
    content,
    origin: `${origin} (key ${key})`,
  }));
}

/** One flat object, ordered by key, so that the same secret is always the same bytes. */
function encodeJson(secret: ReceivedSecret): SecretValue {
  const entries = [...secret.data].sort(([a], [b]) => (a < b ? -1 : 1));
  const members = entries.map(([key, value]) => {
    const text = decodeText(value, `secret ${secretId(secret)} (key ${key})`);
    return `${JSON.stringify(key)}:${JSON.stringify(text)}`;
  });
  return new SecretValue(Buffer.from(`{${members.join(',')}}\n`));
}

function decodeText(value: SecretValue, origin: string): string {
  const bytes = value.reveal();
  if (isUtf8(bytes)) return bytes.toString();
  throw unfit(
    `${origin} is not UTF-8 text, which the format json cannot hold; the owner of the pod has to use the format files`,
  );
}

function checkFileName(path: string, origin: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.length <= MAX_FILE_NAME) return path;
  throw unfit(
    `${origin} has a name too long for a .json file; the owner of the pod has to use the format files`,
  );
}

/** Two files of one path, or a file where another needs a directory. */
function checkCollisions(outputs: readonly Output[]): void {
  const taken = new Map<string, string>();
  for (const { path, origin } of outputs) {
    const other = taken.get(path);
    if (other !== undefined) throw collision(origin, other, path);
    taken.set(path, origin);
  }
  for (const { path, origin } of outputs) {
    for (const directory of listDirectories(path)) {
      const other = taken.get(directory);
      if (other !== undefined) throw collision(origin, other, directory);
    }
  }
}

/** Every directory on the way to `path`, the outermost first. */
export function listDirectories(path: string): readonly string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}

const collision = (one: string, other: string, path: string): Failure =>
  unfit(
    `${one} and ${other} would both be ${path}; the owner of the pod has to leave one out or give it another format`,
  );

const unfit = (message: string): Failure => new Failure('secret_not_representable', message);
