import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { createAuthorize, type Action } from '../../../safe/access.ts';
import { createApp } from '../../../safe/api/app.ts';
import { createAudit } from '../../../safe/audit.ts';
import { createIdentify, type TokenVerdict } from '../../../safe/identity.ts';
import { createMetrics } from '../../../safe/metrics.ts';
import { createLog } from '../../../shared/log.ts';
import { newSafe } from '../../support/safe.ts';
import { serve } from '../../support/serve.ts';

interface Options {
  readonly mayAdminister?: (action: Action) => boolean;
  readonly writeAudit?: (line: string) => void;
}

/**
 * Safe's API over a real store. Tokens are told apart by their text, `NAMESPACE.ACCOUNT.pod` or `NAMESPACE.ACCOUNT.none`;
 * what the API server makes of real ones is tested in `test/e2e`.
 */
export async function startApi(t: TestContext, { mayAdminister = () => true, writeAudit }: Options = {}) {
  const { store } = await newSafe(t);
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const metrics = createMetrics(store.count);
  const app = createApp({
    store,
    identify: createIdentify((token) => Promise.resolve(reviewed(token)), Date.now),
    authorize: createAuthorize((_, action) => Promise.resolve(mayAdminister(action))),
    audit: createAudit(writeAudit ?? write, () => new Date()),
    metrics,
    log: createLog('sotto-safe', { write }),
  });
  const url = await serve(t, app);
  const call = async (
    method: string,
    path: string,
    { token = 'sotto-system.sotto-admin.none', body, headers = {} }: Call = {},
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as Answer };
  };
  return { url, call, lines, metrics, store };
}

interface Call {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly error?: { code: string; message: string };
  readonly version?: number;
  readonly revision?: string;
  readonly continue?: string;
  readonly items?: { name: string }[];
  readonly secrets?: { namespace: string; name: string; data: Record<string, string> }[];
}

function reviewed(token: string): TokenVerdict {
  const [namespace = '', account = '', pod] = token.split('.');
  const extra: Record<string, string[]> =
    pod === 'pod'
      ? { 'authentication.kubernetes.io/pod-name': ['p'], 'authentication.kubernetes.io/pod-uid': ['u'] }
      : {};
  const user = { username: `system:serviceaccount:${namespace}:${account}`, uid: 'u', groups: [], extra };
  return { authenticated: token !== 'bad', audiences: ['safe.sotto.dev'], user };
}

export const encoded = (text: string) => Buffer.from(text).toString('base64');
export const DB = '/v1/namespaces/shop/secrets/db';
export const secret = (changes: object = {}) => ({
  data: { password: encoded('hunter2') },
  readers: [{ serviceAccount: 'api' }],
  ...changes,
});

/** The status of a request that `fetch` would tidy up before sending it. */
export function rawStatus(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string | string[]> = { authorization: 'Bearer shop.api.pod' },
) {
  const { hostname, port } = new URL(url);
  return new Promise<number | undefined>((resolve, reject) => {
    request({ hostname, port, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
