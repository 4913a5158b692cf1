import { dirname } from 'node:path';
import { buildProgram } from './commands.ts';
import { Interrupted } from './errors.ts';
import { chooseExitCode, explainFailure } from './explain.ts';
import { buildCacheDirectory, buildPath, checkMachine } from './machine.ts';
import { createProgress } from './progress.ts';

const environment = process.env;
const cache = buildCacheDirectory(environment);
const path = buildPath(environment);
const write = (text: string) => process.stderr.write(text);
const isTerminal = process.stderr.isTTY;
const screen = {
  write,
  isTerminal,
  hasColor: isTerminal && !environment['NO_COLOR'],
  now: () => performance.now(),
};

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort(new Interrupted(signal)));
}

const program = buildProgram({
  environment,
  path,
  directory: process.cwd(),
  node: dirname(process.execPath),
  signal: stop.signal,
  say: (text) => write(`${text}\n`),
  buildContext: (steps) => ({
    environment: { ...environment, PATH: path },
    path,
    cache,
    progress: createProgress(screen, steps),
    signal: stop.signal,
  }),
});

program.hook('preAction', () =>
  checkMachine({ platform: process.platform, userId: process.getuid?.(), environment }),
);
try {
  await program.parseAsync();
} catch (error) {
  const failure: unknown = stop.signal.aborted ? stop.signal.reason : error;
  write(`${explainFailure(failure)}\n`);
  process.exit(chooseExitCode(failure));
}
