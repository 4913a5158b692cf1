import type { SecretReference } from '../shared/grammar.ts';
import { parseAnswer, type ReceivedSecret } from './answer.ts';
import { MAX_ANSWER_BYTES, type Outcome } from './ask-safe.ts';
import { secretId, type Config } from './config.ts';
import { Failure, type Reason } from './failure.ts';

/** A request that Safe cannot take will not be taken a second later either. */
const FINAL_STATUS: readonly number[] = [400, 405, 413, 414, 415, 431];

/**
 * The secrets of `outcome`, or why there are none.
 *
 * @param bearer - who asked, in words.
 * @throws Failure that says who has to do what. `mayPass` for all that somebody may be repairing at this moment: an
 * administrator stores the secret, Safe restarts, a certificate is renewed.
 */
export function judge(outcome: Outcome, config: Config, bearer: string): readonly ReceivedSecret[] {
  if (outcome.kind === 'too_large') {
    throw new Failure(
      'answer_invalid',
      `Safe's answer is larger than ${MAX_ANSWER_BYTES} bytes; the owner of the pod has to ask for fewer secrets`,
    );
  }
  if (outcome.kind !== 'answer') throw explainSilence(outcome, config.safe);
  if (outcome.status !== 200) throw explainStatus(outcome, config.secrets, bearer);
  const secrets = parseAnswer(outcome.body, config.secrets);
  if (secrets.length === 0) throw explainMissing([], bearer); // a pod that asked never starts without
  return secrets;
}

function explainSilence(outcome: { kind: string; code: string }, safe: Config['safe']): Failure {
  const address = `${safe.host}:${safe.port}`;
  if (outcome.kind === 'name_unknown') {
    return passing(
      'dns_failed',
      `the name ${safe.host} cannot be resolved (${outcome.code}); whoever runs the cluster has to look at its DNS, ` +
        'and whoever runs Sotto at the Service of Safe',
    );
  }
  if (outcome.kind === 'not_trusted') {
    return passing(
      'certificate_not_trusted',
      `the certificate at ${address} is not trusted (${outcome.code}), so no token was sent; ` +
        "whoever runs Sotto has to look at Safe's certificate and at the authority given to this pod",
    );
  }
  return passing(
    'safe_unreachable',
    `Safe cannot be reached at ${address} (${outcome.code}); ` +
      'whoever runs Sotto has to see that Safe runs and that network policies let this pod reach it',
  );
}

function explainStatus(
  { status, body }: { status: number; body: Buffer },
  asked: readonly SecretReference[],
  bearer: string,
): Failure {
  const message = readMessage(body);
  const said = message === '' ? String(status) : `${status}: ${message}`;
  if (status === 401) {
    return passing(
      'token_refused',
      `Safe refused the token of ${bearer} (${said}); whoever runs Sotto has to look in Safe's log for the reason`,
    );
  }
  if (status === 404) return explainMissing(asked, bearer, message);
  if (status === 429 || status >= 500) {
    return passing(
      'safe_unavailable',
      `Safe cannot answer now (${said}); whoever runs Sotto has to look at Safe`,
    );
  }
  if (status < 400) {
    return passing(
      'answer_invalid',
      `Safe answered ${status}, which it never does; whoever runs Sotto has to look at Safe`,
    );
  }
  return new Failure(
    'request_refused',
    `Safe refused the request of ${bearer} (${said}); whoever runs Sotto has to look in Safe's log for the reason`,
    { mayPass: !FINAL_STATUS.includes(status) },
  );
}

/** Safe answers for a secret that is absent and for one that is not ours alike, so one sentence has to be true of both. */
function explainMissing(asked: readonly SecretReference[], bearer: string, said = ''): Failure {
  if (asked.length === 0) {
    return passing(
      'secret_missing',
      `no secret has ${bearer} among its readers; an administrator of its namespace has to store one or add the reader`,
    );
  }
  const names = asked.map(secretId).join(', ');
  const owners = [...new Set(asked.map(({ namespace }) => namespace))].join(' or ');
  const which = asked.length === 1 ? 'secret' : 'one of the secrets';
  const own = `${which} ${names} does not exist or ${bearer} is not among its readers`;
  const problem = asked.length === 1 || said === '' ? own : said; // only Safe knows which of several
  return passing(
    'secret_missing',
    `${problem}; an administrator of ${owners} has to store it or add the reader`,
  );
}

const MAX_QUOTED = 300;

/** What Safe says for people in an answer that is no success, in letters that cannot disturb a terminal or a log. */
function readMessage(body: Buffer): string {
  try {
    const { error } = JSON.parse(body.toString()) as { error: { message: unknown } };
    if (typeof error.message !== 'string') return '';
    return error.message.replaceAll(/[^ -~]/g, '?').slice(0, MAX_QUOTED);
  } catch {
    return ''; // not one of Safe's own answers, such as a proxy's
  }
}

const passing = (reason: Reason, message: string): Failure => new Failure(reason, message, { mayPass: true });
