import {
  chmodSync,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  lstatSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BuildError } from './build-error.ts';
import type { Bundle } from './bundles.ts';
import type { DebianPackage } from './debian-packages.ts';
import type { NodeBinary, Platform } from './node-binary.ts';
import { readLicenses, type NpmPackage } from './npm-packages.ts';

export interface UnpackedPackage extends DebianPackage {
  readonly tree: string;
}

/** What Node is linked to (`readelf -d`), beside the loader. */
const SHARED_LIBRARIES = [
  'libc.so.6',
  'libm.so.6',
  'libdl.so.2',
  'libpthread.so.0',
  'libstdc++.so.6',
  'libgcc_s.so.1',
  'libatomic.so.1',
];

/** Without it, the C library's own default asks DNS before `/etc/hosts`. */
const NAME_SERVICES = 'hosts: files dns\n';

/** Fills `directory` with Node and its libraries: the layer that stays the same from release to release. */
export function layOutBase(
  directory: string,
  node: NodeBinary,
  packages: readonly UnpackedPackage[],
  platform: Platform,
): void {
  const put = createPut(directory);
  put('usr/bin/node', { from: node.path }, 0o755);
  put('usr/share/doc/nodejs/LICENSE', { from: node.license });
  put('etc/nsswitch.conf', { text: NAME_SERVICES });
  const trees = packages.map(({ tree }) => tree);
  put(platform.loader, { from: findFile(trees, platform.loader) }, 0o755);
  for (const name of SHARED_LIBRARIES) {
    const path = `${platform.libraryDirectory}/${name}`;
    put(path, { from: findFile(trees, path) });
  }
  for (const { name, tree } of packages) {
    put(`usr/share/doc/${name}/copyright`, { from: findCopyright(name, tree, packages) });
  }
}

/** Fills `directory`, which becomes `/app`, with our programs and the licences of what is inside them. */
export function layOutPrograms(
  directory: string,
  bundles: readonly Bundle[],
  packages: readonly NpmPackage[],
  license: string | undefined,
): void {
  const put = createPut(directory);
  for (const { file, path } of bundles) put(file, { from: path });
  put('package.json', { text: '{"type":"module"}\n' }); // how Node has to read the bundles
  if (license !== undefined) put('LICENSE', { from: license });
  for (const one of packages) {
    for (const [file, text] of readLicenses(one))
      put(`licenses/${one.name}@${one.version}/${file}`, { text });
  }
}

type Put = (path: string, content: { from: string } | { text: string }, mode?: number) => void;

function createPut(directory: string): Put {
  return (path, content, mode = 0o644) => {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    if ('from' in content) copyFileSync(content.from, target);
    else writeFileSync(target, content.text);
    chmodSync(target, mode);
  };
}

/** Debian 12 has its libraries in `/lib`, later ones below `/usr/lib`; to the loader both are one directory. */
function findFile(trees: readonly string[], path: string): string {
  const places = [path, path.replace(/^usr\//, ''), path.replace(/^(usr\/)?/, 'usr/')];
  for (const tree of trees) {
    const found = places
      .map((place) => join(tree, place))
      .find((place) => lstatSync(place, { throwIfNoEntry: false }) !== undefined);
    if (found !== undefined) return resolveInside(tree, found);
  }
  throw new BuildError(`none of the Debian packages has ${path}`);
}

/** An absolute link of a package leads to a place below its own tree, not to this machine's. */
function resolveInside(tree: string, path: string): string {
  if (!lstatSync(path).isSymbolicLink()) return path;
  const target = readlinkSync(path);
  return resolveInside(tree, target.startsWith('/') ? join(tree, target) : join(dirname(path), target));
}

function findCopyright(name: string, tree: string, packages: readonly UnpackedPackage[]): string {
  const directory = join(tree, 'usr/share/doc', name);
  const isLink = lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  const holder = isLink ? packages.find((one) => one.name === readlinkSync(directory)) : undefined;
  const copyright =
    holder === undefined
      ? join(directory, 'copyright')
      : join(holder.tree, 'usr/share/doc', holder.name, 'copyright');
  if (existsSync(copyright)) return realpathSync(copyright);
  throw new BuildError(`Debian package ${name} has no copyright file`);
}

/** Gives every entry below `directory` the same time and every directory the same mode, whatever the umask was. */
export function normalise(directory: string, time: Date): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) normalise(path, time);
    else lutimesSync(path, time, time);
  }
  chmodSync(directory, 0o755);
  lutimesSync(directory, time, time);
}
