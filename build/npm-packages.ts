import type { Metafile } from 'esbuild';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An npm package of which at least one byte is in a bundle. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package states it. */
  readonly license: string;
  readonly directory: string;
}

/** The packages that esbuild really put into its output: what it read and then left out is not among them. */
export function listPackages(metafile: Metafile, root: string): readonly NpmPackage[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const directories = inputs.flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? (findPackageDirectory(path) ?? []) : [],
  );
  return [...new Set(directories)].sort().map((directory) => readPackage(join(root, directory)));
}

/** `node_modules/a/node_modules/@b/c/d.js` belongs to `node_modules/a/node_modules/@b/c`. */
export function findPackageDirectory(path: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function readPackage(directory: string): NpmPackage {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return {
    name: String(manifest['name']),
    version: String(manifest['version']),
    license: typeof manifest['license'] === 'string' ? manifest['license'] : 'NOASSERTION',
    directory,
  };
}

/** What a package asks to be passed on with it. */
export function readLicenses({ directory, name, license }: NpmPackage): ReadonlyMap<string, string> {
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0)
    return new Map([['LICENSE', `${name} states its license as ${license} and ships no text.\n`]]);
  return new Map(files.sort().map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
}
