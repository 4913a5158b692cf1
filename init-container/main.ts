import { INIT_SECRETS_DIRECTORY, INIT_TOKEN_DIRECTORY } from '../shared/names.ts';
import { askSafe } from './ask-safe.ts';
import { checkMemory } from './check-memory.ts';
import { parseConfig } from './config.ts';
import { checkEnvironment } from './environment.ts';
import { asFailure, EXIT_CODES, Failure } from './failure.ts';
import { fetchSecrets } from './fetch-secrets.ts';
import { createLog, writeLine } from './log.ts';
import { render } from './render.ts';
import { writeTerminationMessage } from './termination-message.ts';
import { readToken } from './token.ts';
import { writeFiles } from './write-files.ts';

const log = createLog(writeLine, () => new Date());

function fail(error: unknown): never {
  const { reason, message } = asFailure(error);
  writeTerminationMessage(message);
  log('error', 'gave_up', { reason, message });
  process.exit(EXIT_CODES[reason]);
}

process.on('uncaughtException', fail);
process.on('SIGTERM', () =>
  fail(new Failure('stopped', 'stopped from outside (SIGTERM) before the secrets were there')),
);
process.on('SIGUSR1', () => undefined); // otherwise Node opens its inspector

checkEnvironment(process.env, process.execArgv);
const config = parseConfig(process.env);
checkMemory(INIT_SECRETS_DIRECTORY, log);
void fetchSecrets(config, {
  ask: askSafe,
  readToken: () => readToken(INIT_TOKEN_DIRECTORY),
  elapsedMs: () => process.uptime() * 1000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
  log,
}).then((secrets) => {
  const files = render(secrets, config);
  writeFiles(INIT_SECRETS_DIRECTORY, files, new Date());
  log('info', 'files_written', { secrets: secrets.length, files: files.length });
  process.exit(0);
});
