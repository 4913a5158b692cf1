import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type Koa from 'koa';

/** Serves `app` in clear on a free loopback port until the test ends. */
export async function serve(t: TestContext, app: Koa): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
