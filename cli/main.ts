import manifest from '../package.json' with { type: 'json' };
import { openCluster } from './cluster.ts';
import { EXIT_CODE_OF } from './exit-codes.ts';
import { readPath } from './read-path.ts';
import { run } from './run.ts';

/** What the Kubernetes client needs. This program is started by whatever Node its user has. */
const OLDEST_NODE = 22;
if (Number.parseInt(process.versions.node) < OLDEST_NODE) {
  process.stderr.write(
    `error: kubectl sotto needs Node ${OLDEST_NODE} or newer, and this is ${process.version}\n`,
  );
  process.exit(EXIT_CODE_OF.usage);
}

// This variable of Node's would turn off the verification of every certificate, with a token on its way.
delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];

// Whoever reads our output may stop reading, as `head` does.
process.stdout.on('error', () => process.exit());

const { stdin } = process;
const terminal = {
  keys: stdin,
  setRawMode: (on: boolean) => stdin.setRawMode(on),
  write: (text: string) => process.stderr.write(text),
};

const exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (line) => process.stderr.write(`${line}\n`),
  now: () => new Date(),
  values: {
    stdin: stdin.isTTY ? { terminal } : { bytes: stdin },
    readPath,
    readVariable: (name) => process.env[name],
  },
  openCluster: (options) => openCluster(options, process.env),
  clientVersion: manifest.version,
});

// After the last byte is out, and without waiting for connections that are still open.
process.stdout.write('', () => process.exit(exitCode));
