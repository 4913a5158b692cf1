import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import {
  createConfiguration,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
  type Configuration,
} from '@kubernetes/client-node';

/** Where the API server is and what Safe's own pod has to speak with it: the standard in-cluster files. */
export interface ClusterAccess {
  readonly host: string;
  readonly port: number;
  /** Both are read for every request: the kubelet replaces them while we run. */
  readonly readCa: () => string;
  readonly readToken: () => string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export function readClusterAccess(host: string, port: number): ClusterAccess {
  return {
    host,
    port,
    readCa: () => readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8'),
    readToken: () => readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8').trim(),
  };
}

export interface KubeTransport {
  /** For the generated clients of `@kubernetes/client-node`. */
  readonly configuration: Configuration;
  /** GETs `path` and calls `onLine` for each line of the answer until it ends; resolves then. */
  stream(path: string, onLine: (line: string) => void): Promise<void>;
}

/**
 * Requests to the API server over kept-alive connections, each with a deadline. The client library's own transport opens
 * a new TLS connection for every request, which a fetch would have to wait for.
 */
export function createKubeTransport(access: ClusterAccess): KubeTransport {
  const send = createSend(access);
  return {
    configuration: createConfiguration({
      baseServer: new ServerConfiguration(`https://${bracketed(access.host)}:${access.port}`, {}),
      httpApi: wrapHttpLibrary({
        send: async (request) => {
          const { pathname, search } = new URL(request.getUrl());
          const body = request.getBody() as string | undefined; // every body of ours is JSON text
          return toResponse(
            await send(request.getHttpMethod(), pathname + search, request.getHeaders(), body),
          );
        },
      }),
    }),
    stream: async (path, onLine) => {
      const answer = await send('GET', path, { accept: 'application/json' });
      if (answer.statusCode !== 200) {
        answer.destroy();
        throw new Error(`the API server answered ${answer.statusCode ?? 0}`);
      }
      answer.socket.setTimeout(0); // a watch is silent for as long as nothing changes
      for await (const line of createInterface(answer)) onLine(line);
    },
  };
}

type Send = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
) => Promise<IncomingMessage>;

function createSend({ host, port, readCa, readToken }: ClusterAccess): Send {
  const currentAgent = createAgents(readCa);
  return (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const authorization = `Bearer ${readToken()}`;
      const target = { agent: currentAgent(), host, port, path, method };
      const request = httpsRequest({ ...target, headers: { ...headers, authorization } }, (answer) => {
        clearTimeout(deadline);
        resolve(answer);
      });
      // From now on and not from when a connection is free: what waits longer has nobody waiting for it.
      const deadline = setTimeout(
        () => request.destroy(new Error('the API server did not answer in time')),
        REQUEST_TIMEOUT_MS,
      );
      request.on('error', (error) => {
        clearTimeout(deadline);
        reject(error);
      });
      request.end(body);
    });
}

/** Kept-alive connections that trust the certificates which are in the file now. */
function createAgents(readCa: () => string): () => Agent {
  let ca = '';
  let agent = new Agent();
  return () => {
    const now = readCa();
    if (now !== ca) {
      ca = now;
      agent = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8, ca });
    }
    return agent;
  };
}

/** An IPv6 address in a URL (RFC 3986 §3.2.2). */
const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

async function toResponse(answer: IncomingMessage): Promise<ResponseContext> {
  const bytes = await readAll(answer);
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
  const body = { text: () => Promise.resolve(bytes.toString()), binary: () => Promise.resolve(bytes) };
  return new ResponseContext(answer.statusCode ?? 0, Object.fromEntries(headers) as Record<string, string>, {
    ...body,
    stream: () => undefined as never, // asked for by the type; no call of ours streams through it
  });
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error('the API server answered too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
