import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { ClusterError } from './errors.ts';

export type Command = readonly [program: string, ...args: string[]];

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A file descriptor that the program reads as its standard input. */
  readonly input?: number;
  /** Everything the program prints is appended to this file. */
  readonly log?: string;
  readonly signal?: AbortSignal;
  /** Two minutes if nothing is said. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 120_000;

/**
 * Runs a program to its end.
 * @returns its standard output.
 * @throws ClusterError with the last line it printed, when it cannot be started or its exit code is not 0.
 */
export function run([program, ...args]: Command, options: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const deadline = AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  const { cwd, env, input = 'ignore' } = options;
  const child = spawn(program, args, { cwd, env, signal, stdio: [input, 'pipe', 'pipe'] });
  const printed = { stdout: '', all: '' };
  const collect = (stream: 'stdout' | 'stderr') => (text: string) => {
    printed.all += text;
    if (stream === 'stdout') printed.stdout += text;
    if (options.log !== undefined) appendFileSync(options.log, text);
  };
  child.stdout?.setEncoding('utf8').on('data', collect('stdout'));
  child.stderr?.setEncoding('utf8').on('data', collect('stderr'));

  const fail = (what: string, cause?: unknown) => {
    const log = options.log === undefined ? {} : { log: options.log };
    const error = options.signal?.aborted === true ? (options.signal.reason as Error) : undefined;
    const message = deadline.aborted ? `${program} was stopped because it took too long` : what;
    reject(error ?? new ClusterError(message, { cause, ...log }));
  };
  child.on('error', (error) => fail(`${program} cannot be run: ${error.message}`, error));
  child.on('close', (code, killedBy) => {
    if (code === 0) resolve(printed.stdout);
    else fail(`${program} ended with ${code ?? killedBy ?? 'nothing'}: ${lastLine(printed.all)}`);
  });
  return promise;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
