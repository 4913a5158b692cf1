import type { Reader } from '../shared/api.ts';
import { isDnsLabel, isDnsSubdomain, isSecretKey, type SecretReference } from '../shared/grammar.ts';
import { Failure } from './failure.ts';
import { isOutputFormat, OUTPUT_FORMATS, type OutputFormat } from './print.ts';
import { parseDuration } from './units.ts';

/**
 * One parse function per argument. Each throws a Failure `usage` that names the option and its rule and never repeats
 * what was found: it may be a value in the wrong place.
 */

/** A secret as the command line names it; without a namespace, it is in the one of the context. */
export interface Target {
  readonly namespace?: string;
  readonly name: string;
}

const NAME_RULE = 'lower-case letters, digits, "-" and ".", at most 253 characters';

export function parseTarget(text: string): Target {
  const [first = '', second, ...rest] = text.split('/');
  if (rest.length > 0) throw usage('NAME must be NAME or NAMESPACE/NAME');
  const name = second ?? first;
  if (!isDnsSubdomain(name)) throw usage(`NAME must be a DNS-1123 subdomain: ${NAME_RULE}`);
  if (second === undefined) return { name };
  if (!isDnsLabel(first)) throw usage('NAMESPACE of NAMESPACE/NAME must be a DNS-1123 label');
  return { namespace: first, name };
}

/** @throws Failure `usage` when `NAMESPACE/NAME` and `--namespace` contradict each other. */
export function mergeNamespace(target: Target, namespace: string | undefined): Target {
  if (namespace === undefined) return target;
  if (target.namespace !== undefined && target.namespace !== namespace) {
    throw usage('NAMESPACE/NAME and --namespace name two different namespaces');
  }
  return { ...target, namespace };
}

export function parseNamespace(text: string): string {
  if (!isDnsLabel(text)) throw usage('--namespace must be a DNS-1123 label');
  return text;
}

export function parseOutput(text: string): OutputFormat {
  if (!isOutputFormat(text)) throw usage(`--output must be one of ${OUTPUT_FORMATS.join(', ')}`);
  return text;
}

export function parseServiceAccount(text: string): SecretReference {
  const [namespace, name, ...rest] = text.split('/');
  if (namespace === undefined || name === undefined || rest.length > 0) {
    throw usage('--service-account must be NAMESPACE/NAME');
  }
  if (!isDnsLabel(namespace) || !isDnsSubdomain(name)) {
    throw usage('--service-account must be NAMESPACE/NAME, both as Kubernetes names them');
  }
  return { namespace, name };
}

/** In milliseconds; `0` is no limit. */
export function parseRequestTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs === undefined) throw usage('--request-timeout must be a time such as 5s, 2m or 1h');
  return timeoutMs;
}

const MAX_PAGE_SIZE = 1000;

export function parsePageSize(text: string): number {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MAX_PAGE_SIZE) throw usage(`--chunk-size must be between 1 and ${MAX_PAGE_SIZE}`);
  return size;
}

export function parseKey(text: string, previous?: string): string {
  if (previous !== undefined) throw usage('--key may be given once; several keys come from --from-file');
  if (!isSecretKey(text)) {
    throw usage('--key must be at most 253 of the characters A-Z a-z 0-9 - . _ and not start with ".."');
  }
  return text;
}

/** `api`, `payments/api`, `*` or `payments/*`; collected over every `--reader`. */
export function parseReader(text: string, previous: readonly Reader[] = []): readonly Reader[] {
  const [first = '', second, ...rest] = text.split('/');
  const serviceAccount = second ?? first;
  const namespaceFits = second === undefined || isDnsLabel(first);
  const accountFits = serviceAccount === '*' || isDnsSubdomain(serviceAccount);
  if (rest.length > 0 || !namespaceFits || !accountFits) {
    throw usage("--reader must be a service account: NAME, NAMESPACE/NAME, '*' or 'NAMESPACE/*'");
  }
  const reader = second === undefined ? { serviceAccount } : { serviceAccount, namespace: first };
  return [...previous, reader];
}

export const parseContinuedList = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  text,
];

const usage = (message: string) => new Failure('usage', message);
