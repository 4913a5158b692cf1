import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import type { SecureVersion } from 'node:tls';
import type { WorkloadSecrets } from '../../../shared/api.ts';
import type { KeyPair } from '../../../shared/serve.ts';

export interface FakeSafe {
  readonly port: number;
  /** Every byte that clients sent after the handshake, in clear. */
  received(): string;
  readonly requests: readonly IncomingMessage[];
}

/** A TLS server on a free loopback port, until the tests of this file end. */
export async function serveFakeSafe(
  keyPair: KeyPair,
  listener: RequestListener,
  maxVersion: SecureVersion = 'TLSv1.3',
): Promise<FakeSafe> {
  const requests: IncomingMessage[] = [];
  const chunks: Buffer[] = [];
  const server = createServer({ ...keyPair, maxVersion }, (request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.on('secureConnection', (socket) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(chunks).toString('latin1'),
    requests,
  };
}

/** Safe's answer with secrets of namespace `shop`, or of the one before a slash. */
export function buildAnswer(
  secrets: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>>,
): string {
  const answer: WorkloadSecrets = {
    revision: 'r1',
    secrets: Object.entries(secrets).map(([reference, data]) => ({
      namespace: reference.includes('/') ? reference.slice(0, reference.indexOf('/')) : 'shop',
      name: reference.slice(reference.indexOf('/') + 1),
      version: 1,
      data: Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      ),
    })),
  };
  return JSON.stringify(answer);
}

/** Answers with `statuses` one after the other, then with `body` and 200. */
export function answerWith(body: string, statuses: readonly number[] = []): RequestListener {
  const left = [...statuses];
  return (_request, response) => {
    const status = left.shift();
    response.writeHead(status ?? 200, { 'content-type': 'application/json' });
    response.end(
      status === undefined ? body : JSON.stringify({ error: { code: 'code', message: `said ${status}` } }),
    );
  };
}
