import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes } from './read-bytes.ts';

/** What a path of `--from-file` leads to. */
export type PathContent =
  | { readonly kind: 'file'; readonly bytes: Buffer }
  | { readonly kind: 'directory'; readonly files: readonly (readonly [name: string, bytes: Buffer])[] };

/**
 * Reads a file (also a pipe such as `/dev/stdin` or `<(command)`), or the regular files of a directory, without
 * going deeper and without following links, as kubectl does.
 *
 * @throws TooManyBytesError when the file, or all files together, hold more than `maxBytes`; otherwise what `node:fs` throws.
 */
export async function readPath(path: string, maxBytes: number): Promise<PathContent> {
  const handle = await open(path);
  try {
    const stat = await handle.stat();
    if (!stat.isDirectory()) {
      return {
        kind: 'file',
        bytes: await readBytes(handle.createReadStream({ autoClose: false }), maxBytes),
      };
    }
  } finally {
    await handle.close();
  }
  return { kind: 'directory', files: await readFiles(path, maxBytes) };
}

async function readFiles(directory: string, maxBytes: number): Promise<[string, Buffer][]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const files: [string, Buffer][] = [];
  let left = maxBytes;
  for (const name of names.sort()) {
    const content = await readPath(join(directory, name), left);
    if (content.kind === 'directory') continue; // it became one since it was listed
    left -= content.bytes.length;
    files.push([name, content.bytes]);
  }
  return files;
}
