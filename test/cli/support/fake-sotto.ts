import type { TestContext } from 'node:test';
import { serveFakeApiServer, type FakeApiServer, type FakeApiServerOptions } from './fake-api-server.ts';
import {
  METADATA,
  refusal,
  serveFakeSafe,
  type Answer,
  type FakeSafe,
  type ReceivedRequest,
} from './fake-safe.ts';

export interface FakeSotto {
  readonly api: FakeApiServer;
  readonly safe: FakeSafe;
  /** What leads `kubectl sotto` there. */
  readonly env: Readonly<Record<string, string>>;
}

/** An API server and behind it a Safe, in which there is `db`, there is no `new`, and `busy` changes while one looks. */
export async function startFakeSotto(
  t: TestContext,
  changes: Partial<FakeApiServerOptions> = {},
): Promise<FakeSotto> {
  const safe = await serveFakeSafe(t, answer);
  const api = await serveFakeApiServer(t, { trustBundle: safe.ca, safePort: safe.port, ...changes });
  return { api, safe, env: { KUBECONFIG: api.kubeconfig } };
}

function answer({ line }: ReceivedRequest): Answer {
  const [method, path = ''] = line.split(' ');
  const name = path.split('/').at(-1);
  if (name === 'busy' && method === 'PUT') return refusal(412, 'precondition_failed', 'it is at version 4');
  if (name === 'new' && method !== 'PUT') return refusal(404, 'not_found', 'no');
  if (name === 'new') return { status: 201, body: { ...METADATA, name, version: 1 } };
  if (name === 'db' || name === 'busy') return { status: 200, body: METADATA };
  return { status: 200, body: { items: [METADATA] } };
}
