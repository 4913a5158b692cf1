import Koa, { type Context, type Middleware } from 'koa';
import { AppError } from '../shared/errors.ts';
import { answerErrors, describeFailure, jsonBody } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import type { ContainerSettings } from './inject/container.ts';
import type { Metrics } from './metrics.ts';
import { review } from './review.ts';

/** An object has at most 3 MiB at the API server, and a review may hold it twice. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Ten times an ordinary pod's review. */
const LARGE_BODY_BYTES = 256 * 1024;

export interface WebhookDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'countReview'>;
  /** Asked for every review, because the certificates in it change while we run. */
  readonly settings: () => ContainerSettings;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** While this is true every answer closes its connection, so that the API server turns to another replica. */
  readonly isStopping: () => boolean;
}

/** `POST /mutate`: an AdmissionReview in, an AdmissionReview out, and nothing else. */
export function createApp({ log, metrics, settings, nowMs, isStopping }: WebhookDeps): Koa {
  const app = new Koa();
  app.on('error', (error: unknown) => {
    log('error', 'response_failed', describeFailure(error));
  });
  app.use(async (ctx, next) => {
    if (isStopping()) ctx.set('connection', 'close');
    await next();
  });
  app.use(answerErrors(log));
  app.use(async (ctx, next) => {
    requireMutate(ctx);
    await next();
  });
  app.use(takeTurns(LARGE_BODY_BYTES));
  app.use(jsonBody(MAX_BODY_BYTES));
  app.use((ctx) => {
    const startMs = nowMs();
    const { answer, uid, namespace, decision, reason } = review(ctx.request.body, settings());
    ctx.body = answer;
    const durationMs = nowMs() - startMs;
    metrics.countReview({ decision, reason, durationMs });
    log('info', 'reviewed', {
      uid,
      namespace,
      decision,
      reason,
      durationMs: Math.round(durationMs * 100) / 100,
    });
  });
  return app;
}

function requireMutate({ path, method }: Context): void {
  if (path !== '/mutate') throw new AppError('not_found', 'there is only POST /mutate');
  if (method !== 'POST') throw new AppError('method_not_allowed', 'reviews are sent with POST');
}

/**
 * Lets one body of more than `bytes`, or of a length not said, be read at a time; the others wait, and small ones do not.
 * Anyone in the cluster may send them, and 8 MiB of JSON can be 130 MB of objects: measured with a heap of 192 MB, twenty
 * at once ended the process.
 */
function takeTurns(bytes: number): Middleware {
  let last: Promise<unknown> = Promise.resolve();
  return async (ctx, next) => {
    const length = ctx.request.length as number | undefined; // Koa's types forget that it may not be said
    if (length !== undefined && length <= bytes) {
      await next();
      return;
    }
    const turn = last.then(next);
    last = turn.catch(() => undefined); // its own request answers the failure; the next one still gets its turn
    await turn;
  };
}
