import { once } from 'node:events';
import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { readBytes } from './read-bytes.ts';

/** Opens a stream to the server: whatever is wrong with it, certificate included, rejects. */
export type OpenStream = () => Promise<Duplex>;

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface HttpClient {
  /** @throws what the stream or HTTP throws, a `TimeoutError`, or TooManyBytesError for an answer of more than 32 MiB. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** HTTP/1.1 over streams of ours, one after the other on the same stream while the server keeps it open. `timeoutMs` 0 is none. */
export function createHttpClient(open: OpenStream, host: string, timeoutMs: number): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = (_options, callback) => {
    open().then(
      (stream) => callback?.(null, stream),
      (error: unknown) => callback?.(error as Error, undefined as never),
    );
    return undefined;
  };
  return {
    send: async ({ method, path, headers = {}, body }) => {
      const signal = timeoutMs === 0 ? undefined : AbortSignal.timeout(timeoutMs);
      try {
        const sent = request({ agent, host, method, path, headers, ...(signal && { signal }) });
        sent.end(body);
        const [response] = (await once(sent, 'response')) as [IncomingMessage];
        const text = await readBytes(response, MAX_ANSWER_BYTES);
        return { status: response.statusCode ?? 0, text: text.toString('utf8') };
      } catch (error) {
        signal?.throwIfAborted(); // else a timeout in the middle of an answer looks like a lost connection
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}
