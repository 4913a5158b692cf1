import { basename } from 'node:path';
import { isSecretKey, MAX_SECRET_BYTES } from '../shared/grammar.ts';
import { SecretValue } from '../shared/secret-value.ts';
import { parseEnvFile, type ReadVariable } from './env-file.ts';
import { Failure } from './failure.ts';
import { promptForValue, type Terminal } from './prompt.ts';
import { readBytes, TooManyBytesError } from './read-bytes.ts';
import type { PathContent } from './read-path.ts';

/** Where the command line says the values are. */
export interface ValueSources {
  readonly key?: string;
  readonly fromFile?: readonly string[];
  readonly fromEnvFile?: readonly string[];
}

export interface ValuePorts {
  /** Standard input: a terminal with somebody in front of it, or bytes. */
  readonly stdin: { readonly terminal: Terminal } | { readonly bytes: AsyncIterable<Uint8Array> };
  readonly readPath: (path: string, maxBytes: number) => Promise<PathContent>;
  readonly readVariable: ReadVariable;
}

export interface Values {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** What the person may want to know about the values; names keys only. */
  readonly warnings: readonly string[];
}

type Entry = readonly [key: string, bytes: Buffer];

const NEWLINE = 0x0a;

/**
 * Reads the values of a secret, byte for byte.
 *
 * @throws Failure `usage`, or `refused` when they are larger than a secret may be. A source is named by its option and
 * its position, because what was given as its path may be a value in the wrong place.
 */
export async function readValues(sources: ValueSources, ports: ValuePorts): Promise<Values> {
  checkSources(sources);
  const { key, fromFile = [], fromEnvFile = [] } = sources;
  const entries: Entry[] = [];
  const warnings: string[] = [];
  for (const [index, source] of fromFile.entries())
    entries.push(...(await readFileSource(source, index, ports)));
  for (const [index, path] of fromEnvFile.entries()) entries.push(...(await readEnvFile(path, index, ports)));
  if (key !== undefined) {
    const bytes = await readStdin(key, ports.stdin);
    if (bytes.at(-1) === NEWLINE) {
      warnings.push(
        `${key} was stored with the newline at its end; if it does not belong there, use printf %s instead of echo`,
      );
    }
    entries.push([key, bytes]);
  }
  return { data: collect(entries), warnings };
}

function checkSources({ key, fromFile, fromEnvFile }: ValueSources): void {
  if (key === undefined && fromFile === undefined && fromEnvFile === undefined) {
    throw new Failure(
      'usage',
      'where is the value? Give --key KEY and the value on standard input or at the prompt, or --from-file, or --from-env-file',
    );
  }
  if (fromEnvFile !== undefined && (key !== undefined || fromFile !== undefined)) {
    throw new Failure('usage', '--from-env-file cannot be combined with --from-file or --key');
  }
}

function collect(entries: readonly Entry[]): Map<string, SecretValue> {
  const data = new Map<string, SecretValue>();
  let size = 0;
  for (const [key, bytes] of entries) {
    if (data.has(key)) throw new Failure('usage', `the key ${key} is given twice`);
    data.set(key, new SecretValue(bytes));
    size += key.length + bytes.length;
  }
  if (data.size === 0)
    throw new Failure('usage', 'there is no key in what was given; a secret needs at least one');
  if (size > MAX_SECRET_BYTES) throw tooLarge();
  return data;
}

async function readStdin(key: string, stdin: ValuePorts['stdin']): Promise<Buffer> {
  if ('terminal' in stdin) return promptForValue(stdin.terminal, key);
  const bytes = await readBounded('standard input', () => readBytes(stdin.bytes, MAX_SECRET_BYTES));
  if (bytes.length > 0) return bytes;
  throw new Failure(
    'usage',
    'standard input is empty, so nothing was stored: did the command before the pipe fail? ' +
      'To store an empty value: --from-file=KEY=/dev/null',
  );
}

/** `PATH` or `KEY=PATH`, with the rules of kubectl: the key is the file's name unless given; no `=` in either. */
async function readFileSource(source: string, index: number, { readPath }: ValuePorts): Promise<Entry[]> {
  const label = `--from-file number ${index + 1}`;
  const parts = source.split('=');
  const path = parts.at(-1) ?? '';
  const key = parts.length === 1 ? basename(path) : (parts[0] ?? '');
  if (parts.length > 2) throw new Failure('usage', `${label}: neither the key nor the path may contain "="`);
  if (path === '' || key === '') throw new Failure('usage', `${label} must be PATH or KEY=PATH`);
  const content = await readBounded(label, () => readPath(path, MAX_SECRET_BYTES));
  if (content.kind === 'file') return [[checkKey(key, label), content.bytes]];
  if (parts.length > 1) throw new Failure('usage', `${label}: a directory takes no key, its files name them`);
  return content.files.map(([name, bytes]) => [checkKey(name, `${label}, a file of the directory`), bytes]);
}

async function readEnvFile(path: string, index: number, ports: ValuePorts): Promise<Entry[]> {
  const label = `--from-env-file number ${index + 1}`;
  const content = await readBounded(label, () => ports.readPath(path, MAX_SECRET_BYTES));
  if (content.kind === 'directory') throw new Failure('usage', `${label} is a directory`);
  return parseEnvFile(content.bytes, label, ports.readVariable);
}

function checkKey(key: string, label: string): string {
  if (isSecretKey(key)) return key;
  throw new Failure(
    'usage',
    `${label}: the key must be of A-Z a-z 0-9 - . _ and not start with ".."; KEY=PATH gives another one`,
  );
}

async function readBounded<T>(label: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TooManyBytesError) throw tooLarge();
    throw new Failure('usage', `${label}: ${explainFileError(error)}`);
  }
}

/** Node's own message holds the path, so only its code is looked at. */
function explainFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file. The option takes the path of a file, never a value';
  if (code === 'EACCES' || code === 'EPERM') return 'the file may not be read by you';
  return `it could not be read (${typeof code === 'string' ? code : 'unknown reason'})`;
}

const tooLarge = () =>
  new Failure(
    'refused',
    `the secret is larger than ${MAX_SECRET_BYTES} bytes, keys and values together; nothing was stored`,
  );
