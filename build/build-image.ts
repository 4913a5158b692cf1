import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildContainerfile, readArchive, writeArchive, type ArchiveContent } from './archive.ts';
import { buildBundles, type Bundle } from './bundles.ts';
import { fetchDebianPackage, findDebianPackages } from './debian-packages.ts';
import { layOutBase, layOutPrograms, normalise, type UnpackedPackage } from './layers.ts';
import { findPlatform, stripNode, type NodeBinary, type Platform } from './node-binary.ts';
import { buildSbom } from './sbom.ts';

export interface ImageOptions {
  readonly root: string;
  /** Gets the bundles, and in `image/` the archive, its SBOM and its digest. */
  readonly dist: string;
  readonly cache: string;
  /** As Node calls the machine's. */
  readonly arch: string;
  readonly name: string;
  readonly version: string;
  /** Seconds since 1970; of everything in the image that has a time. */
  readonly epoch: number;
  /** Told what is being done, in a few words. */
  readonly say: (line: string) => void;
}

interface Ingredients {
  readonly platform: Platform;
  readonly node: NodeBinary;
  readonly debian: readonly UnpackedPackage[];
  readonly bundles: readonly Bundle[];
  /** Of Sotto itself. */
  readonly license: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Makes the one image of all programs: the same bytes from the same input, on whatever day and by whomever. Does nothing
 * when `dist` has it already.
 *
 * @throws BuildError.
 */
export async function buildImage(options: ImageOptions): Promise<ArchiveContent> {
  const ingredients = await gather(options);
  const key = hashIngredients(ingredients, options);
  const known = readRecord(options.dist, key);
  if (known !== undefined) {
    options.say('nothing has changed');
    return known;
  }
  const parent = join(options.cache, 'image');
  mkdirSync(parent, { recursive: true });
  const workshop = mkdtempSync(join(parent, '.unfinished-'));
  try {
    layOut(ingredients, workshop, options.epoch);
    const content = await assemble(ingredients, workshop, options);
    writeRecord(options.dist, workshop, { ...content, key });
    return content;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function gather({ root, dist, cache, arch, version, epoch, say }: ImageOptions): Promise<Ingredients> {
  const platform = findPlatform(arch);
  say('bundling the programs');
  const bundles = await buildBundles(root, dist);
  say('fetching the libraries from Debian');
  const debian: UnpackedPackage[] = [];
  for (const one of await findDebianPackages()) {
    debian.push({ ...one, tree: await fetchDebianPackage(one, cache) });
  }
  say('taking the symbol tables out of Node');
  const node = await stripNode(root, platform, cache);
  const license = join(root, 'LICENSE');
  return {
    platform,
    node,
    debian,
    bundles: bundles.filter(({ isCommand }) => !isCommand),
    license: existsSync(license) ? license : undefined,
    labels: buildLabels(version, epoch),
  };
}

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
function buildLabels(version: string, epoch: number): Record<string, string> {
  return {
    'org.opencontainers.image.title': 'Sotto',
    'org.opencontainers.image.description':
      'Secrets for Kubernetes workloads: every program of Sotto, and Node',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': version,
    ...(epoch === 0 ? {} : { 'org.opencontainers.image.created': new Date(epoch * 1000).toISOString() }),
  };
}

function hashIngredients(ingredients: Ingredients, { root, name, epoch }: ImageOptions): string {
  const { platform, node, debian, bundles, license, labels } = ingredients;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([name, epoch, platform, node, debian, buildContainerfile(labels)]));
  const files = [...bundles.map(({ path }) => path), ...(license === undefined ? [] : [license])];
  const ownCode = readdirSync(join(root, 'build')).map((file) => join(root, 'build', file));
  for (const path of [...files, ...ownCode, join(root, 'package-lock.json')]) {
    hash.update(createHash('sha256').update(readFileSync(path)).digest());
  }
  return hash.digest('hex');
}

function layOut(
  { platform, node, debian, bundles, license }: Ingredients,
  workshop: string,
  epoch: number,
): void {
  const context = join(workshop, 'context');
  layOutBase(join(context, 'base'), node, debian, platform);
  const packages = new Map(bundles.flatMap(({ packages }) => packages.map((one) => [one.directory, one])));
  layOutPrograms(join(context, 'app'), bundles, [...packages.values()], license);
  normalise(context, new Date(epoch * 1000));
}

async function assemble(
  { platform, node, debian, bundles, labels }: Ingredients,
  workshop: string,
  { name, version, epoch, cache, say }: ImageOptions,
): Promise<ArchiveContent> {
  const archive = join(workshop, 'sotto-image.tar');
  say('building the image');
  const recipe = {
    name,
    architecture: platform.debianArch,
    context: join(workshop, 'context'),
    labels,
    epoch,
  };
  await writeArchive(recipe, workshop, archive);
  say('measuring it');
  const content = await readArchive(archive, workshop, cache);
  const sbom = buildSbom({ name, version, imageDigest: content.digest, node, debian, bundles });
  writeFileSync(join(workshop, 'sbom.json'), `${JSON.stringify(sbom, undefined, 2)}\n`);
  writeFileSync(join(workshop, 'digest'), `${content.digest}\n`);
  return content;
}

/** Says what the image in `dist` is and what it was made of. Written last and read first, so a half one is never used. */
const RECORD = 'image.json';
const FILES = ['sotto-image.tar', 'sbom.json', 'digest'];

interface ImageRecord extends ArchiveContent {
  readonly key: string;
}

function readRecord(dist: string, key: string): ArchiveContent | undefined {
  const path = (file: string): string => join(dist, 'image', file);
  if (![RECORD, ...FILES].every((file) => existsSync(path(file)))) return undefined;
  const record = JSON.parse(readFileSync(path(RECORD), 'utf8')) as ImageRecord;
  return record.key === key ? { digest: record.digest, layers: record.layers } : undefined;
}

function writeRecord(dist: string, workshop: string, record: ImageRecord): void {
  const out = join(dist, 'image');
  rmSync(join(out, RECORD), { force: true });
  mkdirSync(out, { recursive: true });
  for (const file of FILES) moveFile(join(workshop, file), join(out, file));
  writeFileSync(join(out, RECORD), JSON.stringify(record));
}

/** The cache may be on another file system than the checkout. */
function moveFile(from: string, to: string): void {
  copyFileSync(from, `${to}.unfinished`);
  renameSync(`${to}.unfinished`, to);
}
