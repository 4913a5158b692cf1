import type { Command, CommanderError } from 'commander';
import { Failure } from './failure.ts';

const NO_VALUE_IN_ARGUMENTS =
  'a value is never given as an argument, because the process list and the history of your shell show it. ' +
  'Use --key KEY with standard input or the prompt, --from-file or --from-env-file. ' +
  'If that was a real value, change it: it is in that history now';

/** Options of kubectl that people will try, and why there is none here. Only these names are ever repeated. */
const REFUSED_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['--from-literal', `--from-literal does not exist here: ${NO_VALUE_IN_ARGUMENTS}`],
  ['--value', `--value does not exist here: ${NO_VALUE_IN_ARGUMENTS}`],
  ['--insecure-skip-tls-verify', 'the certificate of Safe is always verified: no option turns that off'],
  ['--type', 'a secret of Sotto has no type: leave --type out'],
  ['--dry-run', 'there is no --dry-run: kubectl sotto get tells what is stored today'],
  ['--as', 'use --service-account NAMESPACE/NAME to act as somebody else'],
  ['--token', 'a token is asked for with your kubeconfig: leave --token out'],
  ['--all', 'there is no --all: name the secret'],
]);

/**
 * What is wrong with the command line, by commander's code. Commander's own text is used only where it holds nothing
 * but names of ours, because elsewhere it quotes what was typed.
 */
export function explainUsageError(error: CommanderError, command: Command, argv: readonly string[]): Failure {
  switch (error.code) {
    case 'commander.missingArgument':
      return usage(`${command.name()} needs the NAME of a secret`, command);
    case 'commander.optionMissingArgument':
      return usage(error.message.replace(/^error: /, ''), command);
    case 'commander.unknownOption':
      return explainUnknownOption(command, argv);
    case 'commander.excessArguments':
      return usage(explainExcess(command), command);
    case 'commander.unknownCommand':
      return usage(`there is no such command; there are ${nameCommands(command)}`, command);
    default:
      return usage('the arguments could not be read', command);
  }
}

function explainUnknownOption(command: Command, argv: readonly string[]): Failure {
  const refusals = argv.map((argument) => REFUSED_OPTIONS.get(argument.replace(/=.*$/s, '')));
  const refusal = refusals.find((text) => text !== undefined);
  if (refusal !== undefined) return new Failure('usage', refusal);
  return usage(
    `${command.name()} has no such option (it is not repeated here, because it may be a value)`,
    command,
  );
}

function explainExcess(command: Command): string {
  if (command.name() === 'put') return `put takes one NAME and nothing after it: ${NO_VALUE_IN_ARGUMENTS}`;
  return `${command.name()} takes ${command.registeredArguments.length === 0 ? 'no NAME' : 'one NAME'}`;
}

const nameCommands = (program: Command) => program.commands.map((command) => command.name()).join(', ');

function usage(message: string, command: Command): Failure {
  const path = command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
  return new Failure('usage', `${message}. See ${path} --help`);
}
