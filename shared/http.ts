import bodyParser from 'koa-bodyparser';
import type { Middleware } from 'koa';
import { AppError, STATUS_OF } from './errors.ts';
import type { Log } from './log.ts';

/** Deeper JSON than this is refused: it passes `JSON.parse` and then overflows the stack of whatever walks it. */
const MAX_JSON_DEPTH = 64;

/** Turns every failure below it into `{ error: { code, message } }`. What is not an AppError is answered as 500, unseen. */
export function answerErrors(log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (error instanceof AppError) {
        ctx.status = STATUS_OF[error.code];
        ctx.body = { error: { code: error.code, message: error.message } };
        return;
      }
      log('error', 'request_failed', describeFailure(error));
      ctx.status = 500;
      ctx.body = { error: { code: 'internal', message: 'internal error' } };
    }
  };
}

/** The class of an unexpected error and where it was thrown. Its message stays out: it may quote what was sent. */
export function describeFailure(error: unknown): { name: string; code: string; at: string } {
  if (!(error instanceof Error)) return { name: 'not_an_error', code: '', at: '' };
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''; // such as ECONNREFUSED
  return { name: error.name, code, at: frame?.trim().slice(0, 200) ?? '' };
}

/**
 * Parses a JSON body of at most `maxBytes` and 64 levels into `ctx.request.body`.
 *
 * @throws AppError `unsupported_media_type`, `too_large` or `invalid_request`. The parser's error is dropped: it holds the body.
 */
export function jsonBody(maxBytes: number): Middleware {
  const readBody = bodyParser({
    enableTypes: ['json'],
    jsonLimit: String(maxBytes),
    onerror: (error) => {
      throw 'status' in error && error.status === 413
        ? new AppError('too_large', `body must be at most ${maxBytes} bytes`)
        : new AppError('invalid_request', 'body must be a JSON object');
    },
  });
  return async (ctx, next) => {
    if (ctx.is('application/json') !== 'application/json' || ctx.get('content-encoding') !== '') {
      throw new AppError('unsupported_media_type', 'body must be application/json without content-encoding');
    }
    await readBody(ctx, async () => {
      if (isDeeper(ctx.request.rawBody, MAX_JSON_DEPTH)) {
        throw new AppError('invalid_request', `body must not be nested deeper than ${MAX_JSON_DEPTH} levels`);
      }
      await next();
    });
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether well-formed JSON nests arrays and objects more than `levels` deep. A loop, so that no input overflows it. */
export function isDeeper(json: string, levels: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = endOfString(json, i);
    else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    if (depth > levels) return true;
  }
  return false;
}

function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, index: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
