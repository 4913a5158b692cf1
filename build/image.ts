import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { buildImage } from './build-image.ts';
import { formatBytes } from './format-bytes.ts';
import { provideTools } from './tools.ts';

/** `npm run image`: the container image in `dist/image/`, and beside it what is in it. */
const root = join(import.meta.dirname, '..');
const { env } = process;
const startMs = performance.now();
const say = (line: string) => process.stdout.write(`image: ${line}\n`);

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function parseEpoch(text: string): number {
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new BuildError('SOURCE_DATE_EPOCH must be a number of seconds');
}

try {
  await provideTools(env['PATH'] ?? '', process.getuid?.() === 0, say);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const name = `sotto.dev/sotto:${version}`;
  const { digest, layers } = await buildImage({
    root,
    dist: join(root, 'dist'),
    cache: join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sotto'),
    arch: process.arch,
    name,
    version,
    epoch: parseEpoch(env['SOURCE_DATE_EPOCH'] ?? '0'),
    say,
  });
  const sum = (pick: (layer: (typeof layers)[number]) => number) =>
    formatBytes(layers.reduce((all, layer) => all + pick(layer), 0));
  const each = layers.map(({ bytes }) => formatBytes(bytes)).join(' + ');
  say(`${name} ${digest}`);
  say(
    `${sum(({ bytes }) => bytes)} unpacked (${each}), ${sum(({ compressedBytes }) => compressedBytes)} compressed`,
  );
  say(`dist/image/sotto-image.tar and sbom.json, in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`image: ${error.message}\n`);
  process.exitCode = 1;
}
