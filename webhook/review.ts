import type { Operation } from 'fast-json-patch';
import * as v from 'valibot';
import { AppError } from '../shared/errors.ts';
import { isDnsLabel } from '../shared/grammar.ts';
import { ANNOTATION_PREFIX } from '../shared/names.ts';
import { parse } from '../shared/parse.ts';
import { decide, type Decision, type SkipReason } from './decide.ts';
import type { ContainerSettings } from './inject/container.ts';
import { buildOperations } from './inject/operations.ts';
import { parsePod } from './pod.ts';
import type { DenyReason } from './problem.ts';

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

const exactly = (wanted: string) =>
  v.pipe(
    v.string(),
    v.check((text) => text === wanted, `must be ${wanted}`),
  );

/** The API server sends a UUID. It is echoed and logged, so it must not be a text of any length or kind. */
const uid = v.pipe(
  v.string(),
  v.check((text) => text.length <= 128 && /^[-._a-zA-Z0-9]+$/.test(text), 'must be the uid of a request'),
);

const admissionReview = v.looseObject({
  apiVersion: exactly(API_VERSION),
  kind: exactly(KIND),
  request: v.looseObject({ uid }),
});

const admissionRequest = v.looseObject({
  kind: v.looseObject({ group: v.nullish(v.string(), ''), version: v.string(), kind: v.string() }),
  subResource: v.nullish(v.string(), ''),
  operation: v.string(),
  namespace: v.pipe(v.string(), v.check(isDnsLabel, 'must be a DNS-1123 label')),
});

/** The answer to one review, and what the log and the metrics may say of it: words of ours and grammar-checked names. */
export interface Reviewed {
  readonly answer: AdmissionAnswer;
  readonly uid: string;
  /** Empty when the request named none. */
  readonly namespace: string;
  readonly decision: Decision['kind'];
  readonly reason: Reason;
}

type Reason = 'injected' | 'already_injected' | SkipReason | DenyReason;

interface AdmissionAnswer {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly response: AdmissionResponse;
}

interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: 'JSONPatch';
  /** Base64 of a JSON Patch. */
  readonly patch?: string;
  /** Shown by kubectl; at most 120 characters each. */
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/**
 * Answers one AdmissionReview (admission.k8s.io/v1). Pure: the caller may be anyone who reaches the port.
 *
 * @throws AppError `invalid_request` when there is no request to answer. From its uid on, every problem is an answer.
 */
export function review(body: unknown, settings: ContainerSettings): Reviewed {
  const { request } = parse(admissionReview, body, { abortEarly: true });
  const namespace = request['namespace'];
  const { decision, operations } = decideRequest(request, settings);
  const reason = reasonOf(decision, operations);
  return {
    answer: {
      apiVersion: API_VERSION,
      kind: KIND,
      response: {
        uid: request.uid,
        ...buildVerdict(decision, operations),
        auditAnnotations: { decision: decision.kind, reason },
      },
    },
    uid: request.uid,
    namespace: typeof namespace === 'string' && isDnsLabel(namespace) ? namespace : '',
    decision: decision.kind,
    reason,
  };
}

interface Decided {
  readonly decision: Decision;
  readonly operations: readonly Operation[];
}

function decideRequest(input: Readonly<Record<string, unknown>>, settings: ContainerSettings): Decided {
  try {
    const { kind, subResource, operation, namespace } = parse(admissionRequest, input, { abortEarly: true });
    if (operation !== 'CREATE' || subResource !== '')
      return undecorated({ kind: 'skip', reason: 'not_a_creation' });
    if (kind.group !== '' || kind.version !== 'v1' || kind.kind !== 'Pod') return undecorated(NOT_A_POD);
    const pod = parsePod(input['object']);
    const decision = decide(pod, namespace);
    if (decision.kind !== 'inject') return undecorated(decision);
    return { decision, operations: buildOperations(pod, decision.plan, settings) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const sentence = `Sotto's webhook cannot read this request: ${error.message}`;
    return undecorated({ kind: 'deny', reason: 'malformed', sentence });
  }
}

const undecorated = (decision: Decision): Decided => ({ decision, operations: [] });

const NOT_A_POD: Decision = {
  kind: 'deny',
  reason: 'not_a_pod',
  sentence: "Sotto's webhook reviews pods (v1) only; correct the rules of its MutatingWebhookConfiguration",
};

function reasonOf(decision: Decision, operations: readonly Operation[]): Reason {
  if (decision.kind !== 'inject') return decision.reason;
  return operations.length === 0 ? 'already_injected' : 'injected';
}

type Verdict = Pick<AdmissionResponse, 'allowed' | 'patchType' | 'patch' | 'warnings' | 'status'>;

function buildVerdict(decision: Decision, operations: readonly Operation[]): Verdict {
  switch (decision.kind) {
    case 'inject':
      return { allowed: true, ...buildPatch(operations) };
    case 'skip':
      return { allowed: true, ...buildWarnings(decision.reason) };
    case 'deny':
      return { allowed: false, status: buildStatus(decision.reason, decision.sentence) };
  }
}

const buildPatch = (operations: readonly Operation[]): Pick<Verdict, 'patchType' | 'patch'> =>
  operations.length === 0
    ? {}
    : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };

/** Only to who asked for secrets and does not get them. */
const WARNED: readonly SkipReason[] = ['mirror_pod', 'being_deleted'];

const buildWarnings = (reason: SkipReason): Pick<Verdict, 'warnings'> =>
  WARNED.includes(reason)
    ? { warnings: [`the pod has annotations ${ANNOTATION_PREFIX}, but Sotto injected nothing: ${reason}`] }
    : {};

/** 400 when whoever configured the webhook has to act, 422 when whoever wrote the pod has. */
const buildStatus = (reason: DenyReason, message: string): NonNullable<Verdict['status']> =>
  reason === 'malformed' || reason === 'not_a_pod'
    ? { code: 400, reason: 'BadRequest', message }
    : { code: 422, reason: 'Invalid', message };
