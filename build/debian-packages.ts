import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { runCommand } from './run-command.ts';

/** A binary package as this machine's apt offers it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the source package, whose text its licence speaks of. */
  readonly source: string;
  readonly sha256: string;
}

/** The packages with what Node is linked to. */
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'];

/** Holds the licence of all that GCC brings; the others have a link to it. */
const GCC_BASE = /\bgcc-\d+-base\b/;

/** @throws BuildError when apt knows none, also after it was asked to look again. */
export async function findDebianPackages(): Promise<readonly DebianPackage[]> {
  const stanzas = await showPackages(LIBRARIES).catch(async () => {
    await runCommand(['apt-get', 'update', '--quiet=2']);
    return showPackages(LIBRARIES);
  });
  const base = stanzas.map((fields) => GCC_BASE.exec(fields.get('Depends') ?? '')?.[0]).find(Boolean);
  if (base === undefined) throw new BuildError('libgcc-s1 of this Debian names no gcc-base package');
  const all = [...stanzas, ...(await showPackages([base]))];
  return all.map(readStanza);
}

async function showPackages(names: readonly string[]): Promise<readonly ReadonlyMap<string, string>[]> {
  const text = await runCommand(['apt-cache', 'show', '--no-all-versions', ...names]);
  const stanzas = text.trim().split(/\n\n+/).map(parseStanza);
  const isComplete = names.every((name) => stanzas.some((fields) => fields.get('Package') === name));
  if (!isComplete) throw new BuildError(`apt does not offer all of ${names.join(', ')}`);
  return stanzas;
}

/** Fields of a Debian control stanza (deb822(5)), without their continuation lines. */
function parseStanza(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => /^[A-Za-z0-9-]+: /.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

function readStanza(fields: ReadonlyMap<string, string>): DebianPackage {
  const get = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined)
      throw new BuildError(`apt says no ${name} of ${fields.get('Package') ?? 'a package'}`);
    return value;
  };
  return {
    name: get('Package'),
    version: get('Version'),
    architecture: get('Architecture'),
    source: fields.get('Source')?.split(' ')[0] ?? get('Package'),
    sha256: get('SHA256'),
  };
}

/**
 * The unpacked tree of `one` in `cache`, downloaded unless it is there. Only bytes of the hash that the signed index of
 * Debian names are ever unpacked, and a tree is in its place only when it is whole.
 */
export async function fetchDebianPackage(one: DebianPackage, cache: string): Promise<string> {
  const tree = join(cache, 'debian', `${one.name}_${one.sha256.slice(0, 16)}`);
  if (existsSync(tree)) return tree;
  mkdirSync(join(cache, 'debian'), { recursive: true });
  const workshop = mkdtempSync(join(cache, 'debian', '.unfinished-'));
  try {
    await runCommand(['apt-get', 'download', '--quiet=2', `${one.name}=${one.version}`], { cwd: workshop });
    const [file = ''] = readdirSync(workshop);
    const sha256 = createHash('sha256')
      .update(readFileSync(join(workshop, file)))
      .digest('hex');
    if (sha256 !== one.sha256) throw new BuildError(`${file} is not the file that apt's index names`);
    await runCommand(['dpkg-deb', '--extract', join(workshop, file), join(workshop, 'tree')]);
    if (!existsSync(tree)) renameSync(join(workshop, 'tree'), tree);
    return tree;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
