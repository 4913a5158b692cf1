import { parseErrorBody } from '../shared/api.ts';
import type { SecretReference } from '../shared/grammar.ts';
import { GROUP, RESOURCE, SECRETS_ADMIN_CLUSTER_ROLE, SYSTEM_NAMESPACE } from '../shared/names.ts';
import { Failure } from './failure.ts';
import type { HttpAnswer } from './http-client.ts';
import { printable } from './print.ts';

/** What Safe was asked, in the words of its SubjectAccessReview. */
export interface SafeRequest {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'delete';
  /** Absent when all namespaces were asked for. */
  readonly namespace?: string;
  /** Absent for `list`. */
  readonly name?: string;
  /** The service account that asks. */
  readonly caller: SecretReference;
}

/** Why Safe said no, for every answer that is not 2xx. */
export function explainAnswer(answer: HttpAnswer, request: SafeRequest): Failure {
  const said = quote(answer.text);
  const secret = describe(request);
  switch (answer.status) {
    case 401:
      return new Failure('forbidden', explainUnauthenticated(request));
    case 403:
      return explainForbidden(request);
    case 404:
      return new Failure('not_found', `${secret} does not exist`);
    case 409:
    case 412:
      return new Failure(
        'conflict',
        `somebody else changed ${secret} meanwhile, so nothing was done${said}. ` +
          `Look at it (kubectl sotto get), then give the command again`,
      );
    case 413:
      return new Failure('refused', `${secret} is larger than Safe takes, so nothing was stored${said}`);
    case 507:
      return new Failure('refused', `Safe has no room for ${secret}, so nothing was stored${said}`);
    case 429:
    case 503:
      return new Failure(
        'unreachable',
        `Safe cannot answer right now${said}. Try again in a moment; kubectl sotto status says more`,
      );
    default:
      return explainOther(answer.status, said);
  }
}

function explainOther(status: number, said: string): Failure {
  if (status >= 400 && status < 500)
    return new Failure('refused', `Safe refused the request (${status})${said}`);
  return new Failure(
    'unreachable',
    `Safe failed (${status})${said}. Its log says why: kubectl logs -n ${SYSTEM_NAMESPACE} -l app.kubernetes.io/name=sotto-safe`,
  );
}

function explainUnauthenticated({ caller }: SafeRequest): string {
  return (
    `Safe does not accept the token of service account ${caller.namespace}/${caller.name}: was it deleted just now? ` +
    'If it happens again, kubectl sotto status says whether Safe can ask the API server'
  );
}

function explainForbidden(request: SafeRequest): Failure {
  const { verb, namespace, name, caller } = request;
  const resource = `${RESOURCE}.${GROUP}`;
  const account = `${caller.namespace}/${caller.name}`;
  const user = `system:serviceaccount:${caller.namespace}:${caller.name}`;
  const object = name === undefined ? resource : `${resource}/${name}`;
  const where = namespace === undefined ? '--all-namespaces' : `-n ${namespace}`;
  const bind =
    namespace === undefined
      ? `kubectl create clusterrolebinding sotto-${caller.name} --clusterrole`
      : `kubectl create rolebinding sotto-${caller.name} -n ${namespace} --clusterrole`;
  return new Failure('forbidden', `service account ${account} may not ${verb} ${describe(request)}`, {
    advice:
      `Choose another one with --service-account, or have it given the right: ${bind}=${SECRETS_ADMIN_CLUSTER_ROLE} ` +
      `--serviceaccount=${caller.namespace}:${caller.name}. To check: kubectl auth can-i ${verb} ${object} ${where} --as ${user}`,
  });
}

function describe({ namespace, name }: Pick<SafeRequest, 'namespace' | 'name'>): string {
  if (name !== undefined) return `secret ${namespace ?? ''}/${name}`;
  return namespace === undefined ? 'the secrets of all namespaces' : `the secrets of namespace ${namespace}`;
}

/** Safe's own sentence, when it sent one in the form of its API. */
function quote(text: string): string {
  try {
    return `: ${printable(parseErrorBody(JSON.parse(text)).error.message, 300)}`;
  } catch {
    return ''; // not Safe's error format: a parser's text would quote what came
  }
}
