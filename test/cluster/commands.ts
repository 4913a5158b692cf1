import { Command } from 'commander';
import { buildLayout } from './layout.ts';
import { chooseShell } from './machine.ts';
import { prepare, PREPARE_STEPS, type Context } from './prepare.ts';
import { become, buildSession, loadImage } from './session.ts';
import { down, listClusters } from './teardown.ts';
import { up, UP_STEPS } from './up.ts';
import type { Command as ProgramAndArguments } from './run.ts';

/** What the commands need of the process. */
export interface Edge {
  readonly environment: NodeJS.ProcessEnv;
  readonly path: string;
  readonly directory: string;
  /** Directory of the Node that runs this. */
  readonly node: string;
  readonly signal: AbortSignal;
  say(text: string): void;
  buildContext(steps: number): Context;
}

const SHELL_HELP = `kubectl is in PATH and cluster-admin; "env | grep SOTTO_" shows where logs, audit log and etcd are.
Pods and Services can be reached from here, and nothing else can; "exit" leaves the cluster running.`;

/** The command line: `up`, `down`, `shell`, `exec`, `load` and `build`. */
export function buildProgram(edge: Edge): Command {
  const program = new Command('cluster').description('a real Kubernetes node for tests and demo');
  const command = (usage: string, summary: string) =>
    program.command(usage).description(summary).option('--name <name>', 'which cluster', 'sotto');

  command('up', 'start the cluster; builds Kubernetes the first time').action(
    async ({ name }: { name: string }) => {
      await up(buildLayout(name), edge.buildContext(UP_STEPS));
    },
  );
  command('down', 'stop it and remove every trace of it')
    .option('--all', 'all clusters of this machine')
    .action(async ({ name, all }: { name: string; all?: boolean }) => {
      const names = all === true ? listClusters(buildLayout(name).base) : [name];
      for (const one of names) await stop(one, edge);
      if (names.length === 0) edge.say('no cluster is up');
    });
  command('shell', 'a shell inside, with kubectl').action(({ name }: { name: string }) => {
    edge.say(SHELL_HELP);
    enter(name, [chooseShell(edge.environment)], edge);
  });
  command('exec <command...>', 'run a command inside: exec -- kubectl get pods').action(
    ([first = 'true', ...others]: string[], { name }: { name: string }) =>
      enter(name, [first, ...others], edge),
  );
  command('load <archive>', 'bring the images of a docker-archive file into the cluster').action(
    async (archive: string, { name }: { name: string }) => {
      edge.say(await loadImage(buildLayout(name), archive, edge.signal));
    },
  );
  command('build', 'only make what the cluster needs: packages, binaries, images').action(async () => {
    await prepare(edge.buildContext(PREPARE_STEPS));
  });
  return program;
}

async function stop(name: string, { say }: Edge): Promise<void> {
  const wasThere = await down(buildLayout(name));
  say(
    wasThere
      ? `cluster ${name} is gone, with all it had`
      : `cluster ${name} is not up, there is nothing to stop`,
  );
}

function enter(name: string, command: ProgramAndArguments, edge: Edge): void {
  become(
    buildSession(buildLayout(name), command, {
      ...edge,
      environment: { ...edge.environment, PATH: edge.path },
    }),
  );
}
