import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { runCommand } from './run-command.ts';

/** Where Node and its libraries lie on one kind of machine. */
export interface Platform {
  /** As npm and Node call it. */
  readonly arch: 'x64' | 'arm64';
  /** As Debian and images call it. */
  readonly debianArch: 'amd64' | 'arm64';
  readonly libraryDirectory: string;
  /** The program that the kernel starts Node with; its path is in the binary. */
  readonly loader: string;
}

const PLATFORMS: readonly Platform[] = [
  {
    arch: 'x64',
    debianArch: 'amd64',
    libraryDirectory: 'usr/lib/x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
  },
  {
    arch: 'arm64',
    debianArch: 'arm64',
    libraryDirectory: 'usr/lib/aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
  },
];

/** @throws BuildError on a machine that the image is not made for. */
export function findPlatform(arch: string): Platform {
  const platform = PLATFORMS.find((one) => one.arch === arch);
  if (platform === undefined) throw new BuildError(`the image is made on x64 and arm64, not on ${arch}`);
  return platform;
}

export interface NodeBinary {
  readonly version: string;
  readonly path: string;
  /** Of the file in the npm package, which the lockfile names the hash of. */
  readonly sha256: string;
  readonly license: string;
  /** What it was built from, as in `process.versions`. */
  readonly parts: Readonly<Record<string, string>>;
}

/**
 * The pinned Node of the npm package without its symbol tables, which are a quarter of it and serve debuggers only. Made
 * once for each binary and each `strip`, since another one may write other bytes.
 */
export async function stripNode(root: string, platform: Platform, cache: string): Promise<NodeBinary> {
  const directory = join(root, 'node_modules', `node-linux-${platform.arch}`);
  const original = join(directory, 'bin/node');
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    version: string;
  };
  const sha256 = createHash('sha256').update(readFileSync(original)).digest('hex');
  const strip = (await runCommand(['strip', '--version'])).split('\n', 1).join('');
  const key = createHash('sha256').update(`${sha256} ${strip}`).digest('hex').slice(0, 16);
  const path = join(cache, 'node', `node-${version}-${key}`);
  if (!existsSync(path)) await writeStripped(original, path);
  const parts = JSON.parse(await runCommand([path, '--print', 'JSON.stringify(process.versions)'])) as Record<
    string,
    string
  >;
  return { version, path, sha256, license: join(directory, 'LICENSE'), parts };
}

async function writeStripped(original: string, path: string): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true });
  const workshop = mkdtempSync(join(path, '..', '.unfinished-'));
  try {
    copyFileSync(original, join(workshop, 'node'));
    await runCommand(['strip', '--strip-all', join(workshop, 'node')]);
    renameSync(join(workshop, 'node'), path);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
