import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { WEBHOOK_HOST } from '../../shared/names.ts';
import { createApp, type WebhookDeps } from '../../webhook/app.ts';
import type { Certificate } from '../../webhook/certificate.ts';
import { createWebhookServer } from '../../webhook/serve.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { settings } from './reviews.ts';

const authority = await createTestAuthority();

export interface TestWebhook {
  readonly port: number;
  readonly ca: string;
  /** Every log line so far, as JSON. */
  readonly lines: string[];
  readonly counted: string[];
}

/** The webhook over TLS on a free loopback port, until the test ends. */
export async function startWebhook(t: TestContext, deps: Partial<WebhookDeps> = {}): Promise<TestWebhook> {
  const lines: string[] = [];
  const counted: string[] = [];
  const app = createApp({
    log: (level, event, fields) => lines.push(JSON.stringify({ level, event, ...fields })),
    metrics: { countReview: ({ decision, reason }) => counted.push(`${decision} ${reason}`) },
    settings: () => settings,
    nowMs: () => performance.now(),
    isStopping: () => false,
    ...deps,
  });
  const keyPair = await authority.issue({ dnsNames: [WEBHOOK_HOST] });
  const stop = new AbortController();
  const server = createWebhookServer({
    port: 0,
    host: '127.0.0.1',
    certificates: {
      changes: (signal) => onlyOnce({ keyPair, ca: authority.ca, expiresAtMs: 0 }, signal),
      notReady: () => undefined,
    },
    onCertificate: () => undefined,
    stop: stop.signal,
    drainMs: 0,
  });
  const running = server.run(app.callback());
  t.after(() => {
    stop.abort();
    return running;
  });
  while (server.port() === undefined) await delay(1);
  return { port: server.port() ?? 0, ca: authority.ca, lines, counted };
}

async function* onlyOnce(certificate: Certificate, signal: AbortSignal): AsyncGenerator<Certificate, void> {
  yield certificate;
  await once(signal, 'abort');
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly peer: PeerCertificate;
}

type SendOptions = Omit<RequestOptions, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** One request as the API server sends it: HTTP/1.1, the Service's name as server name. */
export async function send(
  { port, ca }: Pick<TestWebhook, 'port' | 'ca'>,
  body: string | Buffer,
  options: SendOptions = {},
): Promise<Answer> {
  const sent = request({
    host: '127.0.0.1',
    port,
    ca,
    servername: WEBHOOK_HOST,
    agent: false,
    method: 'POST',
    path: '/mutate?timeout=5s',
    ...options,
    headers: { 'content-type': 'application/json', ...options.headers },
  });
  sent.on('error', () => undefined); // the server may answer before it has read everything; without an answer once() below throws
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const peer = (response.socket as TLSSocket).getPeerCertificate();
  const chunks = (await response.toArray()) as Buffer[];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
    peer,
  };
}
