import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What one try gave. Codes are machine words such as `ECONNREFUSED`, from the system or from OpenSSL. */
export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterMs: number; readonly body: Buffer }
  | { readonly kind: 'name_unknown' | 'unreachable' | 'not_trusted'; readonly code: string }
  | { readonly kind: 'too_large' };

export interface Question {
  readonly host: string;
  readonly port: number;
  /** The only certificates trusted. */
  readonly ca: string;
  readonly path: string;
  readonly token: string;
  /** From the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number;
}

/** Secrets of at most 1 MiB each, several of them, in base64. What is longer is not an answer to a pod. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * One GET over TLS 1.3, on a connection of its own. The token enters the request only after the server has proven to be
 * `host`; redirects are an answer like any other. Never rejects for what the network or the server does.
 */
export function askSafe(question: Question): Promise<Outcome> {
  const { host, port, ca, path, timeoutMs } = question;
  return new Promise((resolve) => {
    const request = httpsRequest({
      host,
      port,
      path,
      ca,
      servername: host,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      agent: false,
      headers: { accept: 'application/json' },
    });
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
      request.destroy();
    };
    const timer = setTimeout(() => {
      finish({ kind: 'unreachable', code: 'timed out' });
    }, timeoutMs);
    request.on('error', (error) => {
      finish(describeError(error, request));
    });
    request.on('response', (response) => {
      readAnswer(response, finish);
    });
    request.once('socket', (socket) => {
      socket.once('secureConnect', () => {
        request.setHeader('authorization', `Bearer ${question.token}`);
        request.end();
      });
    });
  });
}

/** A short answer ends with an error, because its length or its last chunk is missing. */
function readAnswer(response: IncomingMessage, finish: (outcome: Outcome) => void): void {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) finish({ kind: 'too_large' });
    else chunks.push(chunk);
  });
  response.on('end', () => {
    const retryAfterMs = parseRetryAfter(headers['retry-after']);
    finish({ kind: 'answer', status, retryAfterMs, body: Buffer.concat(chunks) });
  });
  response.on('error', (error: NodeJS.ErrnoException) => {
    finish({ kind: 'unreachable', code: error.code ?? 'answer cut' });
  });
}

/** RFC 9110 §10.2.3, the form in seconds. The other one is a date, which a wrong clock would turn into hours. */
function parseRetryAfter(header: string | undefined): number {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : 0;
}

function describeError(error: NodeJS.ErrnoException, request: ClientRequest): Outcome {
  const code = error.code ?? error.name;
  if (error.syscall === 'getaddrinfo') return { kind: 'name_unknown', code };
  return isDistrusted(request.socket) ? { kind: 'not_trusted', code } : { kind: 'unreachable', code };
}

/** Node says why it rejected a certificate on the socket; null or undefined when it did not. */
function isDistrusted(socket: ClientRequest['socket']): boolean {
  const reason: unknown = (socket as Partial<TLSSocket> | null)?.authorizationError;
  return reason !== undefined && reason !== null;
}
