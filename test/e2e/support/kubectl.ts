import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. What goes in by `stdin` is in no argument, and so in no list of processes. */
export function run(command: string, args: readonly string[], stdin = ''): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code: code ?? -1, ...output });
    });
    child.stdin.on('error', () => undefined); // the program may end before it has read everything
    child.stdin.end(stdin);
  });
}

/** The output of `kubectl`; rejects with its error text when it fails. */
export async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await run('kubectl', args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

/** `kubectl sotto`, found in PATH as a user has it. Never rejects for what the command says. */
export const sotto = (args: readonly string[], stdin?: string): Promise<Finished> =>
  run('kubectl', ['sotto', ...args], stdin);

export const apply = (...objects: readonly object[]): Promise<string> =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

/** Makes one object, for names that the API server generates. */
export const create = async (object: object): Promise<string> =>
  (await kubectl(['create', '-f', '-', '-o', 'name'], JSON.stringify(object))).trim();

export async function get<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T;
}

export interface Waiting {
  readonly timeoutMs?: number;
  /** Said when the time is over. */
  readonly explain?: () => Promise<string>;
}

/** Asks until `probe` gives something, and says what it waited for when it never does. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  { timeoutMs = 60_000, explain }: Waiting = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs / 1000} s for ${what}${explain ? `: ${await explain()}` : ''}`);
    }
    await sleep(200);
  }
}
