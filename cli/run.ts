import { parseArguments, type CommonOptions, type Invocation } from './arguments.ts';
import type { Cluster, ClusterOptions } from './cluster.ts';
import { connectToSafe } from './connect.ts';
import { deleteSecret } from './delete.ts';
import { EXIT_CODE_OF } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import type { CommandPorts, UseSafe } from './ports.ts';
import { printable } from './print.ts';
import { put } from './put.ts';
import type { ValuePorts } from './read-values.ts';
import { status } from './status.ts';

export interface ProgramPorts {
  readonly out: (text: string) => void;
  readonly err: (line: string) => void;
  readonly now: () => Date;
  readonly values: ValuePorts;
  readonly openCluster: (options: ClusterOptions) => Promise<Cluster>;
  readonly clientVersion: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_SENTENCE_LENGTH = 2000;

/** Does what the command line says, and tells how it went as an exit code. */
export async function run(argv: readonly string[], ports: ProgramPorts): Promise<number> {
  try {
    await execute(parseArguments(argv), ports);
    return 0;
  } catch (error) {
    const failure = error instanceof Failure ? error : explainBug(error);
    ports.err(`error: ${printable(describe(failure), MAX_SENTENCE_LENGTH)}`);
    return EXIT_CODE_OF[failure.kind];
  }
}

async function execute(invocation: Invocation, ports: ProgramPorts): Promise<void> {
  const { out, err, now, values, clientVersion } = ports;
  const command: CommandPorts = { useSafe: createUseSafe(ports), out, err, now };
  switch (invocation.command) {
    case 'help':
      out(invocation.text);
      return;
    case 'version':
      out(`kubectl-sotto ${clientVersion}\n`);
      return;
    case 'put':
      return put(invocation, { ...command, values });
    case 'get':
      return get(invocation, command);
    case 'list':
      return list(invocation.options, command);
    case 'delete':
      return deleteSecret(invocation, command);
    case 'status': {
      const { options } = invocation;
      const cluster = await ports.openCluster(clusterOptions(options));
      return status(options, { ...command, cluster, clientVersion, timeoutMs: timeoutOf(options) });
    }
  }
}

const createUseSafe =
  ({ openCluster }: ProgramPorts): UseSafe =>
  async (options, use) => {
    const cluster = await openCluster(clusterOptions(options));
    const { serviceAccount } = options;
    const safe = await connectToSafe(cluster, {
      timeoutMs: timeoutOf(options),
      ...(serviceAccount !== undefined && { serviceAccount }),
    });
    try {
      return await use({ safe, namespace: cluster.namespace });
    } finally {
      safe.close();
    }
  };

const timeoutOf = ({ requestTimeout }: CommonOptions) => requestTimeout ?? DEFAULT_TIMEOUT_MS;

const clusterOptions = (options: CommonOptions): ClusterOptions => ({
  ...options,
  timeoutMs: timeoutOf(options),
});

function describe({ message, advice }: Failure): string {
  if (advice === undefined) return message;
  return `${message}${/[.?!]$/.test(message) ? '' : '.'} ${advice}`;
}

/** The class of the error and where it was thrown. Its message stays out: it may quote anything. */
function explainBug(error: unknown): Failure {
  const name = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frame = /^ +at .*$/m.exec(stack)?.[0].trim() ?? 'an unknown place';
  return new Failure(
    'internal',
    `this is a mistake of kubectl sotto itself, please report it (${name} ${frame})`,
  );
}
