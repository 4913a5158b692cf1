import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every entry below `directory` that is no directory, followed through links as a reader would, with its content. */
export function readTree(directory: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(directory)) {
    if (name.startsWith('..')) continue;
    readInto(tree, directory, name);
  }
  return tree;
}

function readInto(tree: Record<string, string>, root: string, path: string): void {
  try {
    for (const name of readdirSync(join(root, path))) readInto(tree, root, `${path}/${name}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    tree[path] =
      code === 'ENOTDIR' ? readFileSync(join(root, path), 'latin1') : `cannot be read: ${code ?? ''}`;
  }
}

/** A hash of names, kinds, modes, targets and contents of everything below `directory`, except below `exempt`. */
export function hashTree(directory: string, exempt: string): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    if (path === exempt) return;
    const { mode, ino, mtimeMs } = lstatSync(path);
    const kind = mode & 0o170000;
    hash.update(`${path} ${mode} ${ino}\n`);
    if (kind === 0o040000) for (const name of readdirSync(path).sort()) visit(join(path, name));
    else if (kind === 0o120000) hash.update(readlinkSync(path));
    else if (kind === 0o100000) hash.update(readFileSync(path)).update(String(mtimeMs));
  };
  visit(directory);
  return hash.digest('hex');
}
