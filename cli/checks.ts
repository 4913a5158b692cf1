import {
  INJECTION_LABEL,
  SYSTEM_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
} from '../shared/names.ts';
import { buildCheck, type Check } from './check.ts';
import { splitPem } from './pem.ts';
import type { PodSummary, Replicas, VolumeClaim } from './summaries.ts';
import { formatAge } from './units.ts';

/** The judgements of `status`, each a function of what was seen. */

/** `notReady` is what the pod itself says at /readyz, if it could be asked. */
export function checkPod(pod: PodSummary, notReady: string | undefined, now: Date): Check {
  const { name, ready, restarts, image, createdAt, trouble } = pod;
  const reason = [trouble, notReady].filter((text) => text !== undefined).join(', ');
  const state = ready ? 'ready' : `not ready${reason === '' ? '' : ` (${reason})`}`;
  const age =
    createdAt === undefined ? 'age unknown' : `${formatAge(now.getTime() - createdAt.getTime())} old`;
  const detail = `${state}, ${restarts} ${restarts === 1 ? 'restart' : 'restarts'}, ${age}, image ${image}`;
  return { ...buildCheck('safe_pod', ready, detail), object: name };
}

export const checkNoPod = (): Check =>
  buildCheck('safe_pod', false, `there is none in ${SYSTEM_NAMESPACE}: not installed, or scaled to 0`);

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** Safe renews its certificate when a third of its life is left; less than a quarter means that it no longer does. */
const LEAST_LIFE_LEFT = 1 / 4;

export function checkCertificate(pod: string, { from, to }: Validity, now: Date): Check {
  const leftMs = to.getTime() - now.getTime();
  const isFresh = leftMs > LEAST_LIFE_LEFT * (to.getTime() - from.getTime());
  const left = `trusted, until ${to.toISOString().slice(0, 10)} (${formatAge(leftMs)} left)`;
  const detail = isFresh ? left : `${left}: it should have been renewed by now; look at the log of ${pod}`;
  return { ...buildCheck('safe_certificate', isFresh, detail), object: pod };
}

export function checkVolume({ name, phase, capacity }: VolumeClaim): Check {
  const isBound = phase === 'Bound';
  const detail = isBound
    ? `Bound, ${capacity}`
    : `${phase}: kubectl describe pvc -n ${SYSTEM_NAMESPACE} ${name}`;
  return { ...buildCheck('volume', isBound, detail), object: name };
}

export function checkWebhook(replicas: Replicas | undefined): Check {
  if (replicas === undefined) {
    return buildCheck('webhook', false, `there is no Deployment ${WEBHOOK_SERVICE} in ${SYSTEM_NAMESPACE}`);
  }
  const { desired, ready, image } = replicas;
  const detail = `${ready} of ${desired} replicas ready, image ${image}`;
  if (ready === 0) return buildCheck('webhook', false, `${detail}: no annotated pod can be created`);
  return buildCheck('webhook', ready >= desired, detail);
}

/** Every authority of `trustBundle` must be in every webhook's `caBundle`: one that is missing may sign tomorrow. */
export function checkWebhookTrust(
  caBundles: readonly string[] | undefined,
  trustBundle: string | undefined,
): Check {
  if (caBundles === undefined || caBundles.length === 0) {
    const missing = `MutatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} does not exist, so nothing is injected`;
    return buildCheck('webhook_trust', false, missing);
  }
  const authorities = splitPem(trustBundle ?? '');
  if (authorities.length === 0) {
    return buildCheck('webhook_trust', false, 'Safe has not published its authority yet');
  }
  const trusts = (bundle: string) => {
    const known = splitPem(bundle);
    return authorities.every((authority) => known.includes(authority));
  };
  return caBundles.every(trusts)
    ? buildCheck('webhook_trust', true, 'the API server trusts the current authority')
    : buildCheck(
        'webhook_trust',
        false,
        `caBundle of ${WEBHOOK_CONFIGURATION} lacks the current authority: Safe repairs that within a minute; if not, look at its log`,
      );
}

const MAX_NAMED = 5;

export function checkInjection(namespaces: readonly string[]): Check {
  const named = namespaces.slice(0, MAX_NAMED).join(', ');
  const rest = namespaces.length - MAX_NAMED;
  const list = rest > 0 ? `${named} and ${rest} more` : named;
  return buildCheck(
    'injection',
    true,
    namespaces.length === 0
      ? `in no namespace yet: kubectl label namespace NAME ${INJECTION_LABEL}=enabled`
      : `in ${namespaces.length} ${namespaces.length === 1 ? 'namespace' : 'namespaces'}: ${list}`,
  );
}
