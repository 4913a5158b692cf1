import { build, type BuildFailure, formatMessages } from 'esbuild';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { listPackages, type NpmPackage } from './npm-packages.ts';

interface Program {
  readonly file: string;
  readonly entry: string;
  readonly format: 'esm' | 'cjs';
  /** Oldest Node that it may meet. */
  readonly target: string;
  /** On the way of every pod start, so a package that slips in is an error. */
  readonly isOwnCodeOnly: boolean;
  /** Run by its name, by a person's own Node. */
  readonly isCommand: boolean;
}

/** A worker is a program of its own and lies beside the one that starts it, under the name of its source file. */
export const PROGRAMS: readonly Program[] = [
  program('sotto-safe.js', 'safe/main.ts'),
  program('sqlite-worker.js', 'safe/engines/sqlite-worker.ts', { isOwnCodeOnly: true }),
  program('sotto-webhook.js', 'webhook/main.ts'),
  // Node starts a CommonJS program 5 ms and 5 MB sooner than a module, and every pod starts this one.
  program('sotto-init.cjs', 'init-container/main.ts', { isOwnCodeOnly: true, format: 'cjs' }),
  program('kubectl-sotto', 'cli/main.ts', { isCommand: true, target: 'node22' }),
];

function program(file: string, entry: string, options: Partial<Program> = {}): Program {
  return { file, entry, format: 'esm', target: 'node26', isOwnCodeOnly: false, isCommand: false, ...options };
}

export interface Bundle {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
  readonly isCommand: boolean;
  readonly packages: readonly NpmPackage[];
}

/** CommonJS packages call `require`, which a module does not have. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Writes one file per program into `out`, each complete but for Node. Names stay as they are in the source, so that a
 * stack trace can be read; the rest is made small, which for the Kubernetes client saves time and memory at each start.
 *
 * @throws BuildError with what esbuild says, or naming a program that does not exist.
 */
export async function buildBundles(root: string, out: string): Promise<readonly Bundle[]> {
  const missing = PROGRAMS.filter(({ entry }) => !existsSync(join(root, entry)));
  if (missing.length > 0) {
    throw new BuildError(`there is no ${missing.map(({ entry }) => entry).join(', ')} to bundle`);
  }
  return Promise.all(PROGRAMS.map((one) => buildBundle(one, root, out)));
}

async function buildBundle(program: Program, root: string, out: string): Promise<Bundle> {
  const { file, entry, format, target, isOwnCodeOnly, isCommand } = program;
  const path = join(out, file);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    platform: 'node',
    format,
    target,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none', // whole licences go beside the bundles
    banner: {
      js: [isCommand ? '#!/usr/bin/env node' : '', isOwnCodeOnly ? '' : REQUIRE].filter(Boolean).join('\n'),
    },
    metafile: true,
    logLevel: 'silent',
  }).catch(async (error: unknown) => {
    throw await explain(error);
  });
  const packages = listPackages(metafile, root);
  if (isOwnCodeOnly && packages.length > 0) {
    throw new BuildError(
      `${entry} must not import ${packages.map(({ name }) => name).join(', ')}: every pod start would pay for it`,
    );
  }
  if (isCommand) chmodSync(path, 0o755);
  return { file, path, bytes: statSync(path).size, isCommand, packages };
}

async function explain(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('errors' in error)) return error;
  const { errors } = error as BuildFailure;
  const messages = await formatMessages(errors, { kind: 'error' });
  return new BuildError(messages.join('').trim(), { cause: error });
}
