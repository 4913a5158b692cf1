import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { BuildError } from './build-error.ts';

const execute = promisify(execFile);

export interface CommandOptions {
  readonly cwd?: string;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const SHOWN_LINES = 15;

/**
 * Runs a program to its end, in the C locale.
 *
 * @returns its standard output.
 * @throws BuildError with the last lines it wrote.
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  { cwd }: CommandOptions = {},
): Promise<string> {
  const [program, ...args] = command;
  try {
    const { stdout } = await execute(
      'env',
      ['LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive', program, ...args],
      {
        cwd,
        maxBuffer: MAX_OUTPUT_BYTES,
      },
    );
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-SHOWN_LINES);
    throw new BuildError(`${basename(program)} failed:\n  ${lines.join('\n  ')}`, { cause: error });
  }
}
