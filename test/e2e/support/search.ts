import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 8 * 1024 * 1024;

/** A spelling of a secret value that would give it away. */
export interface Spelling {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Every spelling in which a value may hide: as it is, in base64 and base64url at each of the three alignments it can have
 * inside a longer text, in hex, URL-encoded, and in UTF-16.
 */
export function spellings(value: string): Spelling[] {
  const bytes = Buffer.from(value);
  const text = (name: string, spelt: string) => ({ name, bytes: Buffer.from(spelt) });
  return [
    { name: 'raw', bytes },
    ...[0, 1, 2].flatMap((shift) => [
      text(`base64, shifted by ${shift}`, alignedBase64(bytes, shift, 'base64')),
      text(`base64url, shifted by ${shift}`, alignedBase64(bytes, shift, 'base64url')),
    ]),
    text('hex', bytes.toString('hex')),
    text('HEX', bytes.toString('hex').toUpperCase()),
    text('URL-encoded', encodeURIComponent(value)),
    { name: 'UTF-16', bytes: Buffer.from(value, 'utf16le') },
  ];
}

/** The characters that depend on `bytes` alone when `shift` unknown bytes come before it, and some after. */
function alignedBase64(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const start = Math.ceil((shift * 8) / 6);
  const end = Math.floor(((shift + bytes.length) * 8) / 6);
  return encoded.slice(start, end);
}

/** The names of the spellings that occur in `text`. */
export function findIn(text: Buffer | string, wanted: readonly Spelling[]): string[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return wanted.filter((spelling) => bytes.includes(spelling.bytes)).map(({ name }) => name);
}

export interface Found {
  readonly file: string;
  readonly spelling: string;
}

export interface Search {
  readonly found: readonly Found[];
  readonly files: number;
  readonly bytes: number;
}

/** Reads every regular file under `folders`, links not followed, and says where a spelling occurs. */
export function searchFolders(folders: readonly string[], wanted: readonly Spelling[]): Search {
  const files = folders.flatMap(listFiles);
  const results = files.map((file) => searchFile(file, wanted));
  return {
    found: results.flatMap(({ found }) => found),
    files: files.length,
    bytes: results.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function listFiles(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false }); // a live system deletes files while one looks
  if (stat?.isFile() === true) return [path];
  if (stat?.isDirectory() !== true) return [];
  return readdirSync(path).flatMap((name) => listFiles(join(path, name)));
}

function searchFile(file: string, wanted: readonly Spelling[]): { found: Found[]; bytes: number } {
  const overlap = Math.max(...wanted.map(({ bytes }) => bytes.length)) - 1;
  const chunk = Buffer.alloc(CHUNK_BYTES + overlap);
  const names = new Set<string>();
  let total = 0;
  let kept = 0;
  const fd = openSync(file, 'r');
  for (;;) {
    const read = readSync(fd, chunk, kept, CHUNK_BYTES, null);
    if (read === 0) break;
    total += read;
    const filled = kept + read;
    for (const name of findIn(chunk.subarray(0, filled), wanted)) names.add(name);
    kept = Math.min(overlap, filled);
    chunk.copy(chunk, 0, filled - kept, filled);
  }
  closeSync(fd);
  return { found: [...names].map((spelling) => ({ file, spelling })), bytes: total };
}
