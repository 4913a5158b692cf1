import { errorCode } from './error-code.ts';
import { Failure } from './failure.ts';
import { printable } from './print.ts';

/** What the API server was asked, in the words of RBAC. */
export interface KubernetesRequest {
  readonly verb: 'get' | 'list' | 'create';
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
  /** Absent for what belongs to no namespace. */
  readonly namespace?: string;
  /** The Role of our manifests, in that namespace, that gives the right. */
  readonly role?: string;
}

/** Why the API server did not do what was asked, from what client-node threw. */
export function explainKubernetesError(error: unknown, request: KubernetesRequest): Failure {
  if (error instanceof Failure) return error;
  switch (statusOf(error)) {
    case undefined:
      return explainUnreachable(error);
    case 401:
      return new Failure(
        'forbidden',
        'the API server does not accept your credentials: sign in again, until kubectl get namespaces works',
      );
    case 403:
      return explainForbidden(request);
    case 404:
      return new Failure('not_found', `${describe(request)} does not exist`);
    default:
      return new Failure(
        'unreachable',
        `the API server answered ${String(statusOf(error))} when asked to ${request.verb} ${describe(request)}; try again`,
      );
  }
}

/** The missing right, who can give it, and how to look. */
export function explainForbidden(request: KubernetesRequest): Failure {
  const { verb, resource, subresource, namespace, role } = request;
  const right = subresource === undefined ? resource : `${resource}/${subresource}`;
  const scope = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  const gift =
    role === undefined
      ? `${scope} with the verb ${verb} on ${right}`
      : `Role ${role} in namespace ${namespace ?? ''}`;
  return new Failure('forbidden', `you may not ${verb} ${describe(request)}`, {
    advice: `An administrator of the cluster can bind ${gift} to you. To check: ${canICommand(request)}`,
  });
}

function canICommand({ verb, resource, subresource, name, namespace }: KubernetesRequest): string {
  const object = name === undefined ? resource : `${resource}/${name}`;
  const parts = ['kubectl auth can-i', verb, object];
  if (subresource !== undefined) parts.push(`--subresource=${subresource}`);
  if (namespace !== undefined) parts.push(`-n ${namespace}`);
  return parts.join(' ');
}

function describe({ resource, subresource, name, namespace }: KubernetesRequest): string {
  const right = subresource === undefined ? resource : `${resource}/${subresource}`;
  const object = name === undefined ? right : `${right} ${name}`;
  return namespace === undefined ? object : `${object} in namespace ${namespace}`;
}

/** client-node's ApiException carries the HTTP status as `code`; a DOMException has a number of its own there. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || error instanceof DOMException || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

function explainUnreachable(error: unknown): Failure {
  const code = errorCode(error);
  if (code === undefined) {
    return new Failure(
      'unreachable',
      'the API server could not be asked: the kubeconfig names something that is missing, or its credential ' +
        'plugin failed. kubectl get namespaces will say which',
      { cause: error },
    );
  }
  return new Failure(
    'unreachable',
    `the API server cannot be reached (${printable(code, 60)}): is the cluster up, and is the right context chosen? ` +
      'kubectl get namespaces should work first',
    { cause: error },
  );
}
