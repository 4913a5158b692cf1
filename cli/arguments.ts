import { Command, CommanderError, Option } from 'commander';
import type { Reader } from '../shared/api.ts';
import type { SecretReference } from '../shared/grammar.ts';
import { ADMIN_SERVICE_ACCOUNT, SYSTEM_NAMESPACE } from '../shared/names.ts';
import { describeExitCodes } from './exit-codes.ts';
import { explainUsageError } from './explain-usage.ts';
import {
  mergeNamespace,
  parseContinuedList,
  parseKey,
  parseNamespace,
  parseOutput,
  parsePageSize,
  parseReader,
  parseRequestTimeout,
  parseServiceAccount,
  parseTarget,
  type Target,
} from './parse-options.ts';
import type { OutputFormat } from './print.ts';

/** Options that every command has. What is absent was not given; the defaults are those of the help text. */
export interface CommonOptions {
  readonly namespace?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly output?: OutputFormat;
  readonly serviceAccount?: SecretReference;
  readonly requestTimeout?: number;
}

export interface PutOptions extends CommonOptions {
  readonly key?: string;
  readonly fromFile?: readonly string[];
  readonly fromEnvFile?: readonly string[];
  readonly reader?: readonly Reader[];
  readonly replace?: boolean;
}

export interface ListOptions extends CommonOptions {
  readonly allNamespaces?: boolean;
  readonly chunkSize?: number;
}

/** What the command line asks for: one variant per command. */
export type Invocation =
  | { readonly command: 'help'; readonly text: string }
  | { readonly command: 'version' }
  | { readonly command: 'put'; readonly target: Target; readonly options: PutOptions }
  | { readonly command: 'get'; readonly target: Target; readonly options: CommonOptions }
  | { readonly command: 'delete'; readonly target: Target; readonly options: CommonOptions }
  | { readonly command: 'list'; readonly options: ListOptions }
  | { readonly command: 'status'; readonly options: CommonOptions };

type Recorder = (invocation: Invocation) => void;

/**
 * Reads the command line. Nothing is done yet, and nothing outside is looked at.
 *
 * @throws Failure `usage`. Its message repeats no argument, since any of them may be a value in the wrong place.
 */
export function parseArguments(argv: readonly string[]): Invocation {
  let invocation: Invocation | undefined;
  let written = '';
  const program = buildProgram((recorded) => {
    invocation = recorded;
  });
  let current = program;
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      current = command;
      throw error;
    });
    command.configureOutput({
      writeOut: (text) => {
        written += text;
      },
      writeErr: () => undefined, // commander's own error texts quote the arguments
    });
  }
  try {
    program.parse(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw explainUsageError(error, current, argv);
    return { command: 'help', text: written };
  }
  return invocation ?? { command: 'help', text: program.helpInformation() };
}

function buildProgram(record: Recorder): Command {
  const program = new Command('kubectl sotto')
    .usage('COMMAND [options]')
    .description('Stores secrets that pods get as files in memory. Values are written, never read back.')
    .enablePositionalOptions()
    .helpCommand('help [COMMAND]', 'shows the help of a command')
    .addHelpText('after', `\n${describeExitCodes()}`);
  addCommonOptions(program);
  addPut(program, record);
  addGet(program, record);
  addList(program, record);
  addDelete(program, record);
  addStatus(program, record);
  program
    .command('version')
    .description('prints the version of this program')
    .action(() => record({ command: 'version' }));
  return program;
}

const PUT_HELP = `
The value comes from one of
  --key KEY            the bytes of standard input as they are, or a prompt without echo
  --from-file          a file per key, or a directory; as kubectl create secret generic has it
  --from-env-file      lines of KEY=value; as kubectl create secret generic has it
and never from an argument: other people see those in the process list, and you in your shell's history.

Examples:
  printf %s "$PASSWORD" | kubectl sotto put db -n shop --key password --reader api
  kubectl sotto put db -n shop --key password
  kubectl sotto put tls -n shop --from-file=tls.crt --from-file=tls.key --reader '*'
  kubectl sotto put shop/stripe --from-env-file=stripe.env --reader payments/worker`;

function addPut(program: Command, record: Recorder): void {
  const command = program
    .command('put')
    .description('stores a secret, or replaces the one of that name')
    .argument('<NAME>', 'the secret, or NAMESPACE/NAME', parseTarget)
    .option('--key <KEY>', 'the key to store standard input, or what is typed, under', parseKey)
    .option('--from-file <[KEY=]PATH>', 'a file or a directory; repeatable', parseContinuedList)
    .option('--from-env-file <PATH>', 'a file of KEY=value lines; repeatable', parseContinuedList)
    .option(
      '--reader <[NS/]NAME>',
      "a service account that may fetch it, '*' for all of that namespace; repeatable. " +
        'Those given replace all that were there; without this option they stay as they are',
      parseReader,
    )
    .option('--replace', 'also when keys that exist today are lost by it')
    .addHelpText('after', PUT_HELP)
    .action((target: Target, _, used: Command) =>
      record({ command: 'put', ...withNamespace(target, used.optsWithGlobals<PutOptions>()) }),
    );
  addCommonOptions(command);
}

function addGet(program: Command, record: Recorder): void {
  const command = program
    .command('get')
    .description('shows what is known of a secret: keys, readers, version, size; never its values')
    .argument('<NAME>', 'the secret, or NAMESPACE/NAME', parseTarget)
    .action((target: Target, _, used: Command) =>
      record({ command: 'get', ...withNamespace(target, used.optsWithGlobals<CommonOptions>()) }),
    );
  addCommonOptions(command);
}

function addList(program: Command, record: Recorder): void {
  const command = program
    .command('list')
    .description('lists the secrets of a namespace')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('--chunk-size <N>', 'how many to ask for at a time (default: 500)', parsePageSize)
    .action((_, used: Command) => record({ command: 'list', options: used.optsWithGlobals<ListOptions>() }));
  addCommonOptions(command);
}

function addDelete(program: Command, record: Recorder): void {
  const command = program
    .command('delete')
    .description('deletes a secret: no pod gets it any more; running pods keep the files they have')
    .argument('<NAME>', 'the secret, or NAMESPACE/NAME', parseTarget)
    .action((target: Target, _, used: Command) =>
      record({ command: 'delete', ...withNamespace(target, used.optsWithGlobals<CommonOptions>()) }),
    );
  addCommonOptions(command);
}

function addStatus(program: Command, record: Recorder): void {
  const command = program
    .command('status')
    .description('tells whether Sotto is healthy, and if not, why')
    .action((_, used: Command) =>
      record({ command: 'status', options: used.optsWithGlobals<CommonOptions>() }),
    );
  addCommonOptions(command);
}

function withNamespace<T extends CommonOptions>(target: Target, options: T): { target: Target; options: T } {
  return { target: mergeNamespace(target, options.namespace), options };
}

/** On the program too, so that `kubectl sotto -n shop list` works as `kubectl sotto list -n shop` does. */
function addCommonOptions(command: Command): Command {
  const admin = `${SYSTEM_NAMESPACE}/${ADMIN_SERVICE_ACCOUNT}`;
  return command
    .addOption(
      new Option('-n, --namespace <NAME>', 'namespace (default: the one of the context)').argParser(
        parseNamespace,
      ),
    )
    .option('--context <NAME>', 'context of the kubeconfig')
    .option('--kubeconfig <PATH>', 'kubeconfig file')
    .option('-o, --output <FORMAT>', 'table, json, yaml or name (default: table)', parseOutput)
    .option(
      '--service-account <NS/NAME>',
      `act as this service account (default: ${admin})`,
      parseServiceAccount,
    )
    .option(
      '--request-timeout <TIME>',
      'for one request: 5s, 1m; 0 waits for ever (default: 30s)',
      parseRequestTimeout,
    );
}
