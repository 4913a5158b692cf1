import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createTestAuthority } from '../../support/certificates.ts';
import { tempDir } from '../../support/temp-dir.ts';

export interface FakeApiServerOptions {
  /** The authority in ConfigMap sotto-trust-bundle. */
  readonly trustBundle: string;
  /** Port on loopback that a port-forward to 8443 leads to; undefined: what the kubelet says when nobody listens. */
  readonly safePort: number | undefined;
  /** Answers a port-forward with 403. */
  readonly refusePortForward?: boolean;
  /** Answers that are not the usual ones, by `GET /path`. */
  readonly changes?: Readonly<Record<string, { readonly status: number; readonly body: unknown }>>;
}

export interface FakeApiServer {
  /** Path of a kubeconfig for it, whose context has the namespace `shop`. */
  readonly kubeconfig: string;
  /** `POST /api/v1/…`, in order. */
  readonly requests: readonly string[];
}

const POD = {
  metadata: { name: 'sotto-safe-0', namespace: 'sotto-system' },
  spec: { containers: [{ name: 'safe', image: 'sotto.dev/sotto:0.1.0' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};

const SYSTEM = '/api/v1/namespaces/sotto-system';

/** What `kubectl sotto` asks of an API server, port-forward included, over TLS. */
export async function serveFakeApiServer(
  t: TestContext,
  options: FakeApiServerOptions,
): Promise<FakeApiServer> {
  const authority = await createTestAuthority('CN=kubernetes');
  const keyPair = await authority.issue({ dnsNames: ['localhost'] });
  const requests: string[] = [];
  const answers: NonNullable<FakeApiServerOptions['changes']> = {
    'GET /version': ok({ gitVersion: 'v1.37.2' }),
    [`POST ${SYSTEM}/serviceaccounts/sotto-admin/token`]: ok({
      status: { token: 'T0ken', expirationTimestamp: new Date() },
    }),
    [`GET ${SYSTEM}/configmaps/sotto-trust-bundle`]: ok({ data: { 'ca.crt': options.trustBundle } }),
    [`GET ${SYSTEM}/pods`]: ok({ items: [POD] }),
    ...options.changes,
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const line = lineOf(request);
    requests.push(line);
    const { status, body } = answers[line] ?? { status: 404, body: { kind: 'Status', code: 404 } };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const server = createServer(keyPair, listener);
  server.on('upgrade', (request, socket: Duplex) => {
    requests.push(lineOf(request));
    if (options.refusePortForward === true) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    acceptWebSocket(request, socket);
    forward(socket, options.safePort);
  });
  server.listen(0, 'localhost');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { kubeconfig: writeKubeconfig(t, `https://localhost:${port}`, authority.ca), requests };
}

const lineOf = ({ method = '', url = '' }: IncomingMessage) => `${method} ${url.replace(/\?.*$/, '')}`;

const ok = (body: unknown) => ({ status: 200, body });

function writeKubeconfig(t: TestContext, server: string, ca: string): string {
  const path = join(tempDir(t), 'config');
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  writeFileSync(
    path,
    JSON.stringify({
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token: 'User-T0ken' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'shop' } }],
    }),
  );
  return path;
}

/** RFC 6455 §4.2.2, with the first subprotocol that is `v4.channel.k8s.io`, as a real API server chooses. */
function acceptWebSocket({ headers }: IncomingMessage, socket: Duplex): void {
  const key = `${String(headers['sec-websocket-key'])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`,
  );
}

const DATA = 0;
const ERROR = 1;
const PORT = Buffer.from([0xfb, 0x20]);
const REFUSED = Buffer.from(
  'error forwarding port 8443 to pod 1, uid : dial tcp4 127.0.0.1:8443: connect: connection refused',
);

/** Channel 0 carries the bytes and channel 1 an error; each begins with the port in a message of its own. */
function forward(socket: Duplex, port: number | undefined): void {
  const send = (channel: number, payload: Buffer) =>
    socket.write(frame(Buffer.concat([Buffer.from([channel]), payload])));
  const safe = port === undefined ? undefined : connect(port, '127.0.0.1');
  send(DATA, PORT);
  send(ERROR, PORT);
  if (safe === undefined) send(ERROR, REFUSED);
  safe?.on('data', (chunk: Buffer) => send(DATA, chunk));
  safe?.on('close', () => socket.destroy());
  socket.on('close', () => safe?.destroy());
  socket.on('error', () => undefined);
  readFrames(socket, ({ opcode, payload }) => {
    if (opcode === CLOSE) socket.end(frame(Buffer.alloc(0), CLOSE));
    else if (payload[0] === DATA) safe?.write(payload.subarray(1));
  });
}

interface Message {
  readonly opcode: number;
  readonly payload: Buffer;
}

const BINARY = 2;
const CLOSE = 8;

/** One unfragmented frame from server to client (RFC 6455 §5.2). */
function frame(payload: Buffer, opcode = BINARY): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : 10);
  head[0] = 0x80 | opcode;
  head[1] = payload.length < 126 ? payload.length : 127;
  if (payload.length >= 126) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** Frames from client to server are masked; `ws` sends each message in one. */
function readFrames(socket: Duplex, receive: (message: Message) => void): void {
  let buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let next = parseFrame(buffer); next !== undefined; next = parseFrame(buffer)) {
      buffer = buffer.subarray(next.end);
      receive(next);
    }
  });
}

function parseFrame(buffer: Buffer): (Message & { end: number }) | undefined {
  if (buffer.length < 2) return undefined;
  const short = buffer.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (buffer.length < start) return undefined;
  const length =
    lengthBytes === 0 ? short : buffer.readUIntBE(2 + Math.max(0, lengthBytes - 6), Math.min(lengthBytes, 6));
  const end = start + length;
  if (buffer.length < end) return undefined;
  const mask = buffer.subarray(start - 4, start);
  const payload = Buffer.from(
    buffer.subarray(start, end).map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
  );
  return { opcode: buffer.readUInt8(0) & 0x0f, payload, end };
}
