import { build, type Plugin } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from 'node:test';
import { text } from 'node:stream/consumers';
import type { InitConfig } from '../../../shared/init-config.ts';
import { INIT_SECRETS_DIRECTORY, INIT_TOKEN_DIRECTORY } from '../../../shared/names.ts';

/** The places of the real program, and where a test has them instead: below its working directory. */
const PLACES = new Map([
  [`'${INIT_SECRETS_DIRECTORY}'`, "'./sotto'"],
  [`'${INIT_TOKEN_DIRECTORY}'`, "'./token'"],
  ["'/dev/termination-log'", "'./termination-log'"],
]);

/** Every Linux has it, and it is a tmpfs, without which the program refuses to work. */
const MEMORY = '/dev/shm';

/** What the container is started with in all tests: looks like a token, and is searched for where it must not be. */
export const TOKEN = buildToken({ sub: 'system:serviceaccount:shop:api' });

export function buildToken(claims: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}

export const buildConfig = (port: number, changes: Partial<InitConfig> = {}): InitConfig => ({
  version: 1,
  safe: { host: 'localhost', port },
  namespace: 'shop',
  secrets: ['db'],
  format: 'files',
  formats: {},
  timeoutMs: 20_000,
  ...changes,
});

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminationMessage: string;
}

export interface Pod {
  readonly directory: string;
  /** The volume, as the application would have it. */
  readonly secrets: string;
  start(env: NodeJS.ProcessEnv, options?: StartOptions): RunningProgram;
}

export interface StartOptions {
  readonly flags?: readonly string[];
  /** Put before the program's own command line, such as a shell that mounts something first. */
  readonly wrapper?: readonly string[];
}

export interface RunningProgram {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Run>;
}

/** A directory in memory that is removed after the tests of this file. */
export function createMemoryDirectory(): string {
  const directory = mkdtempSync(join(MEMORY, 'sotto-test-'));
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** The program itself, bundled as for the image, in places of the test's own. */
export async function bundleProgram(): Promise<string> {
  const outfile = join(createMemoryDirectory(), 'program.cjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../../../init-container/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    plugins: [movePlaces],
  });
  return outfile;
}

const movePlaces: Plugin = {
  name: 'move-places',
  setup({ onLoad }) {
    onLoad({ filter: /\/(names|termination-message)\.ts$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      for (const [place, moved] of PLACES) contents = contents.replaceAll(place, moved);
      return { contents, loader: 'ts' };
    });
  },
};

/** What the kubelet prepares for the container: an empty volume, a token, a file for the last words. */
export function createPod(program: string, token = TOKEN): Pod {
  const directory = createMemoryDirectory();
  const secrets = join(directory, 'sotto');
  mkdirSync(secrets);
  mkdirSync(join(directory, 'token'));
  writeFileSync(join(directory, 'token/token'), token);
  writeFileSync(join(directory, 'termination-log'), '');
  return {
    directory,
    secrets,
    start: (env, { flags = [], wrapper = [] } = {}) => {
      const command = [...wrapper, process.execPath, ...flags, program];
      const child = spawn(command[0] ?? '', command.slice(1), {
        cwd: directory,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      return {
        pid: child.pid ?? 0,
        kill: (signal) => child.kill(signal),
        ended: output.then(([stdout, stderr]) => ({
          code: child.exitCode,
          stdout,
          stderr,
          terminationMessage: readPlainFile(join(directory, 'termination-log')),
        })),
      };
    },
  };
}

const readPlainFile = (path: string): string =>
  lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : '';
