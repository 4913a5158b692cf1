import Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import { randomUUID } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import { answerErrors } from '../../shared/http.ts';
import { bearerToken } from '../identity.ts';
import { addAdminRoutes } from './admin-routes.ts';
import { audited, describeRequest } from './audited.ts';
import type { RequestState, SafeDeps } from './deps.ts';
import { addWorkloadRoutes } from './workload-routes.ts';

/** Safe's API of `docs/api.md`. Every route needs an identity; there is none that answers without one. */
export function createApp(deps: SafeDeps): Koa<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true });
  addWorkloadRoutes(router, deps);
  addAdminRoutes(router, deps);

  const app = new Koa<RequestState>();
  app.on('error', (error: Error) => deps.log('error', 'response_failed', { name: error.name }));
  app.use(setHeaders);
  app.use(deps.metrics.observe);
  app.use(answerErrors(deps.log));
  app.use(refuseOddTargets);
  app.use(async (ctx, next) => {
    await audited(deps.audit, describeRequest(ctx, 'authenticate'), async () => {
      ctx.state.identity = await deps.identify(bearerToken(ctx.req.rawHeaders));
    });
    await next();
  });
  app.use(async (ctx, next) => {
    await next();
    if (ctx.status === 404) throw new AppError('not_found', 'there is no such path');
  });
  app.use(router.routes());
  app.use(router.allowedMethods({ throw: true, notImplemented: methodNotAllowed, methodNotAllowed }));
  return app;
}

const methodNotAllowed = () => new AppError('method_not_allowed', 'the path does not know this method');

const setHeaders: Middleware<RequestState> = async (ctx, next) => {
  ctx.state.requestId = randomUUID();
  ctx.state.identity = undefined;
  ctx.set('x-request-id', ctx.state.requestId);
  ctx.set('cache-control', 'no-store');
  await next();
};

/** No name of ours needs escaping, and a target that a proxy could read in another way than we do is refused. */
const refuseOddTargets: Middleware<RequestState> = async (ctx, next) => {
  const path = ctx.req.url?.split('?', 1)[0] ?? '';
  if (!/^(?:\/[-._a-z0-9]+)+$/.test(path) || path.split('/').some((segment) => /^\.\.?$/.test(segment))) {
    throw new AppError('invalid_request', 'the path holds characters that no path of this API has');
  }
  await next();
};
