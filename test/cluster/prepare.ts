import { mkdirSync } from 'node:fs';
import { buildBinaries, GO_MODULES, readGoVersion, type GoModule } from './binaries.ts';
import { ClusterError } from './errors.ts';
import { buildImages } from './images.ts';
import { findCniPlugins, findMissingPackages, findProgram, installPackages } from './packages.ts';
import type { Note, Progress } from './progress.ts';

export interface Context {
  readonly environment: NodeJS.ProcessEnv;
  readonly path: string;
  /** Outlives every cluster: programs, images, logs of builds and of failures. */
  readonly cache: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** All that a cluster is made of, ready on this machine. */
export interface Materials {
  /** Directory of the programs of each Go module. */
  readonly binaries: Readonly<Record<'kubernetes' | 'etcd' | 'coredns', string>>;
  readonly archives: readonly string[];
  readonly cniPlugins: string;
}

export const PREPARE_STEPS = 4;

/** Makes what is missing; with a warm cache it only looks. */
export async function prepare(context: Context): Promise<Materials> {
  const { cache, environment, progress, signal, path } = context;
  mkdirSync(cache, { recursive: true });
  await progress.step('Debian packages', async (note) => {
    const missing = findMissingPackages(path);
    note(missing.length === 0 ? 'all there' : `installed ${missing.join(', ')}`);
    if (missing.length > 0)
      await installPackages(missing, { environment, path, log: `${cache}/apt.log`, signal });
  });
  const { kubernetes, etcd, coredns } = GO_MODULES;
  const go = await readGoVersion({ ...context, log: `${cache}/build.log` });
  const build = (module: GoModule, note: Note) => buildModule(module, go, context, note);
  const kubernetesDirectory = await progress.step('Kubernetes from its Go modules', (note) =>
    build(kubernetes, note),
  );
  const others = await progress.step('etcd and CoreDNS from their Go modules', async (note) => ({
    etcd: await build(etcd, note),
    coredns: await build(coredns, note),
  }));
  const archives = await progress.step('test images', (note) => buildTestImages(context, note));
  return {
    binaries: { kubernetes: kubernetesDirectory, ...others },
    archives,
    cniPlugins: need(findCniPlugins(), 'the CNI plug-ins'),
  };
}

async function buildModule(
  module: GoModule,
  go: { goVersion: string; goArch: string },
  { cache, environment, signal }: Context,
  note: Note,
): Promise<string> {
  const log = `${cache}/build-${module.name}.log`;
  const { directory, wasBuilt } = await buildBinaries(module, go, { cache, environment, log, signal });
  note(wasBuilt ? 'built' : 'in the cache');
  return directory;
}

async function buildTestImages({ cache, path, signal }: Context, note: Note): Promise<string[]> {
  const busybox = need(findProgram('busybox', path), 'busybox');
  const { archives, wasBuilt } = await buildImages({ cache, busybox, log: `${cache}/images.log`, signal });
  note(wasBuilt ? 'built' : 'in the cache');
  return archives;
}

function need<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new ClusterError(`${what} cannot be found on this machine`);
  return found;
}
