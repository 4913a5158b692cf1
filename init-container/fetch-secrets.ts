import type { Log } from '../shared/log.ts';
import type { ReceivedSecret } from './answer.ts';
import type { Outcome, Question } from './ask-safe.ts';
import type { Config } from './config.ts';
import { Failure } from './failure.ts';
import { judge } from './judge.ts';
import { describeBearer } from './token.ts';

export interface FetchPorts {
  readonly ask: (question: Question) => Promise<Outcome>;
  readonly readToken: () => string;
  /** Since the start of the process, from a clock that never jumps. */
  readonly elapsedMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** At least 0 and below 1. */
  readonly random: () => number;
  readonly log: Log;
}

const TRY_TIMEOUT_MS = 10_000;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const MAX_RETRY_AFTER_MS = 30_000;

/** No pause reaches into the last of the time, which is left for one more try; and no try gets less than this. */
const LAST_TRY_MS = 2_000;

/**
 * Asks Safe until it gives the secrets: at once, then with growing, jittered pauses until `timeoutMs` after the start of
 * the process. Each distinct obstacle is logged once, not each try.
 *
 * @throws Failure, the last one before the deadline or the first that will not pass.
 */
export async function fetchSecrets(config: Config, ports: FetchPorts): Promise<readonly ReceivedSecret[]> {
  const told = new Set<string>();
  for (let tries = 1; ; tries++) {
    const leftMs = config.timeoutMs - ports.elapsedMs();
    const result = await tryOnce(config, ports, Math.min(TRY_TIMEOUT_MS, Math.max(LAST_TRY_MS, leftMs)));
    if ('secrets' in result) return result.secrets;
    const { failure, retryAfterMs } = result;
    if (!failure.mayPass) throw failure;
    if (!told.has(failure.message)) {
      ports.log('warn', 'secrets_not_received', { reason: failure.reason, message: failure.message });
    }
    told.add(failure.message);
    const spareMs = config.timeoutMs - ports.elapsedMs() - LAST_TRY_MS;
    if (spareMs <= 0) throw giveUp(failure, tries, ports.elapsedMs());
    await ports.sleep(Math.min(buildPause(tries, retryAfterMs, ports.random()), spareMs));
  }
}

type TryResult =
  | { readonly secrets: readonly ReceivedSecret[] }
  | { readonly failure: Failure; readonly retryAfterMs: number };

async function tryOnce(
  config: Config,
  { ask, readToken }: FetchPorts,
  timeoutMs: number,
): Promise<TryResult> {
  const token = readToken();
  const { host, port } = config.safe;
  const outcome = await ask({ host, port, ca: config.ca, path: buildPath(config), token, timeoutMs });
  try {
    return { secrets: judge(outcome, config, describeBearer(token)) };
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return { failure, retryAfterMs: outcome.kind === 'answer' ? outcome.retryAfterMs : 0 };
  }
}

/** A secret is named as the pod's own namespace sees it, which is how Safe sees the asker too. */
function buildPath({ secrets, namespace: own }: Config): string {
  const query = secrets.map(({ namespace, name }) => {
    const spelled = namespace === own ? name : `${namespace}/${name}`;
    return `name=${encodeURIComponent(spelled)}`;
  });
  return query.length === 0 ? '/v1/secrets' : `/v1/secrets?${query.join('&')}`;
}

/**
 * Full jitter: anything up to a bound that doubles, so that a thousand pods that failed together do not come back
 * together. What Safe asks for comes on top, since it told all of them the same.
 */
function buildPause(tries: number, retryAfterMs: number, random: number): number {
  const bound = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries - 1));
  return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + random * bound;
}

function giveUp({ reason, message }: Failure, tries: number, elapsedMs: number): Failure {
  const often = tries === 1 ? 'once' : `${tries} times`;
  return new Failure(reason, `${message} (tried ${often} in ${Math.round(elapsedMs / 1000)} s)`);
}
