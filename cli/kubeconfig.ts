import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { Failure } from './failure.ts';

export interface KubeconfigOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Makes an empty KubeConfig; the class itself is loaded late, because importing it takes longer than all the rest. */
export type CreateKubeConfig = () => KubeConfig;

/**
 * Loads the user's kubeconfig by kubectl's rules: `--kubeconfig`, else the files of `KUBECONFIG` of which the first to
 * say something wins, else `~/.kube/config`, else the service account of the pod this runs in.
 *
 * @throws Failure that says which one is missing. A parser's text is not passed on: it quotes the file, tokens included.
 */
export function loadKubeconfig(
  create: CreateKubeConfig,
  { kubeconfig: path, context }: KubeconfigOptions,
  environment: Environment,
): KubeConfig {
  const files = findFiles(path, environment);
  const config = files.length === 0 ? loadInCluster(create, environment) : loadFiles(create, files);
  if (context !== undefined) config.setCurrentContext(context);
  if (!config.contexts.some(({ name }) => name === config.currentContext)) {
    throw new Failure('usage', explainContext(context));
  }
  if (config.getCurrentCluster() === null) {
    throw new Failure(
      'usage',
      'the context of your kubeconfig names a cluster that the kubeconfig does not have',
    );
  }
  return config;
}

function findFiles(path: string | undefined, { KUBECONFIG = '', HOME = '' }: Environment): string[] {
  if (path !== undefined) return [path];
  const files = KUBECONFIG === '' ? [join(HOME, '.kube', 'config')] : KUBECONFIG.split(delimiter);
  return files.filter((file) => file !== '' && existsSync(file));
}

function loadFiles(create: CreateKubeConfig, files: readonly string[]): KubeConfig {
  const [first, ...rest] = files.map((file) => loadFile(create, file));
  if (first === undefined) throw noKubeconfig();
  for (const other of rest) mergeInto(first, other);
  return first;
}

function loadFile(create: CreateKubeConfig, file: string): KubeConfig {
  const config = create();
  try {
    config.loadFromFile(file);
  } catch {
    throw new Failure('usage', 'the kubeconfig file is not there, may not be read, or is not a kubeconfig');
  }
  return config;
}

/** client-node's own merge refuses names that occur twice, and lets the last file choose the context; kubectl does neither. */
function mergeInto(target: KubeConfig, other: KubeConfig): void {
  for (const cluster of other.clusters) if (isNew(target.clusters, cluster)) target.addCluster(cluster);
  for (const user of other.users) if (isNew(target.users, user)) target.addUser(user);
  for (const context of other.contexts) if (isNew(target.contexts, context)) target.addContext(context);
  target.currentContext ||= other.currentContext;
}

const isNew = (list: readonly { name: string }[], item: { name: string }) =>
  list.every(({ name }) => name !== item.name);

function loadInCluster(create: CreateKubeConfig, environment: Environment): KubeConfig {
  if (environment['KUBERNETES_SERVICE_HOST'] === undefined) throw noKubeconfig();
  const config = create();
  config.loadFromCluster();
  return config;
}

const noKubeconfig = () =>
  new Failure(
    'unreachable',
    'there is no kubeconfig: set KUBECONFIG or give --kubeconfig PATH, as for kubectl (kubectl get nodes should work first)',
  );

const explainContext = (context: string | undefined) =>
  context === undefined
    ? 'the kubeconfig has no current context: kubectl config use-context NAME chooses one, --context NAME does it once'
    : 'the kubeconfig has no context of the name given by --context; kubectl config get-contexts lists them';
