import { createReadStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { runCommand } from './run-command.ts';

export interface ImageRecipe {
  readonly name: string;
  readonly architecture: string;
  /** Holds the layers `base/` and `app/`. */
  readonly context: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970; of everything in the image that has a time. */
  readonly epoch: number;
}

/** Every program is named by its whole path, as manifests and webhook do it; what is not said starts Node. */
export function buildContainerfile(labels: Readonly<Record<string, string>>): string {
  return [
    'FROM scratch',
    'COPY base/ /',
    'COPY app/ /app/',
    'USER 65532:65532',
    'ENTRYPOINT ["/usr/bin/node"]',
    ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`),
    '',
  ].join('\n');
}

/** Makes the image with buildah, in a storage of its own below `workshop`, and writes it to `archive`. */
export async function writeArchive(recipe: ImageRecipe, workshop: string, archive: string): Promise<void> {
  const { name, architecture, context, labels, epoch } = recipe;
  const storage = ['--storage-driver=vfs', `--root=${workshop}/storage`, `--runroot=${workshop}/run`];
  const containerfile = join(workshop, 'Containerfile');
  writeFileSync(containerfile, buildContainerfile(labels));
  await runCommand([
    'buildah',
    ...storage,
    'build',
    '--isolation=chroot',
    '--layers', // one for each COPY: Node stays on the machines when only our programs change
    '--format=oci', // the other one holds the name of the machine
    '--identity-label=false',
    `--timestamp=${epoch}`,
    `--arch=${architecture}`,
    `--file=${containerfile}`,
    `--tag=${name}`,
    context,
  ]);
  await runCommand(['buildah', ...storage, 'push', '--quiet', name, `docker-archive:${archive}:${name}`]);
}

export interface Layer {
  /** Of the uncompressed tar, `sha256:…`. */
  readonly digest: string;
  readonly bytes: number;
  /** As a registry keeps and sends it. */
  readonly compressedBytes: number;
}

export interface ArchiveContent {
  /** Of the image's configuration, which names every layer: what container runtimes call the image's id. */
  readonly digest: string;
  readonly layers: readonly Layer[];
}

/** @param cache - remembers how small each layer became, since finding that out takes longer than all the rest. */
export async function readArchive(archive: string, workshop: string, cache: string): Promise<ArchiveContent> {
  const directory = join(workshop, 'content');
  mkdirSync(directory);
  await runCommand(['tar', '--extract', `--file=${archive}`, `--directory=${directory}`]);
  const [manifest] = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as [ArchiveManifest];
  const layers: Layer[] = [];
  for (const file of manifest.Layers) {
    const digest = file.replace(/\.tar$/, '');
    const path = join(directory, file);
    const compressedBytes = await measureCompressed(path, join(cache, 'compressed', digest));
    layers.push({ digest: `sha256:${digest}`, bytes: statSync(path).size, compressedBytes });
  }
  return { digest: `sha256:${manifest.Config.replace(/\.json$/, '')}`, layers };
}

/** `manifest.json` of a docker-archive. Files in it are named after their SHA-256. */
interface ArchiveManifest {
  readonly Config: string;
  readonly Layers: readonly string[];
}

async function measureCompressed(path: string, remembered: string): Promise<number> {
  if (existsSync(remembered)) return Number(readFileSync(remembered, 'utf8'));
  let bytes = 0;
  for await (const chunk of createReadStream(path).pipe(createGzip())) bytes += (chunk as Buffer).length;
  mkdirSync(join(remembered, '..'), { recursive: true });
  writeFileSync(remembered, String(bytes));
  return bytes;
}
