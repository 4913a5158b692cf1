import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { buildBundles } from './bundles.ts';
import { formatBytes } from './format-bytes.ts';

/** `npm run build`: the programs as one file each, in `dist/`. */
const root = join(import.meta.dirname, '..');

try {
  const bundles = await buildBundles(root, join(root, 'dist'));
  for (const { file, bytes } of bundles) {
    process.stdout.write(`dist/${file.padEnd(18)} ${formatBytes(bytes).padStart(9)}\n`);
  }
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
