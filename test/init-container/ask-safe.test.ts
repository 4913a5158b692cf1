import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { askSafe, MAX_ANSWER_BYTES, type Outcome, type Question } from '../../init-container/ask-safe.ts';
import type { KeyPair } from '../../shared/serve.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { answerWith, serveFakeSafe } from './support/fake-safe.ts';
import { TOKEN } from './support/program.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const authority = await createTestAuthority();
const keyPair = await authority.issue({ dnsNames: ['localhost'] });

const ask = (port: number, changes: Partial<Question> = {}): Promise<Outcome> =>
  askSafe({
    host: 'localhost',
    port,
    ca: authority.ca,
    path: '/v1/secrets?name=db',
    token: TOKEN,
    timeoutMs: 5000,
    ...changes,
  });

async function listen(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A TLS server below HTTP: `reply` is all it ever says, and then it cuts the connection. */
const serveBytes = (reply: (connection: number) => Buffer): Promise<number> => {
  let connections = 0;
  const server = createTlsServer(keyPair, (socket) => {
    const bytes = reply(connections++);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      if (bytes.length === 0) socket.destroy();
      else socket.write(bytes, () => socket.destroy());
    });
  });
  server.on('tlsClientError', () => undefined);
  return listen(server);
};

test('a good answer arrives with its status, its body and what it asks to wait for', async () => {
  const { port, requests } = await serveFakeSafe(keyPair, (_request, response) => {
    response.writeHead(503, { 'retry-after': '7' });
    response.end('later');
  });
  assert.deepEqual(await ask(port), {
    kind: 'answer',
    status: 503,
    retryAfterMs: 7000,
    body: Buffer.from('later'),
  });
  assert.equal(requests[0]?.method, 'GET');
  assert.equal(requests[0].url, '/v1/secrets?name=db');
  assert.equal(requests[0].headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(requests[0].headers.host, `localhost:${port}`);
});

test('a date or nonsense in Retry-After is ignored', async () => {
  for (const value of ['Tue, 24 Nov 2026 07:00:00 GMT', '-1', '1.5', 'soon', '99999999']) {
    const { port } = await serveFakeSafe(keyPair, (_request, response) => {
      response.writeHead(503, { 'retry-after': value });
      response.end();
    });
    const outcome = await ask(port);
    assert.equal(outcome.kind === 'answer' && outcome.retryAfterMs, 0);
  }
});

const DISTRUSTED: readonly (readonly [string, string, () => Promise<KeyPair>])[] = [
  ['of another authority', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', async () =>
    (await createTestAuthority('CN=another')).issue({ dnsNames: ['localhost'] })],
  ['of another authority of the same name', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', async () =>
    (await createTestAuthority()).issue({ dnsNames: ['localhost'] })],
  ['for another host', 'ERR_TLS_CERT_ALTNAME_INVALID', () => authority.issue({ dnsNames: ['sotto-safe.evil.svc'] })],
  ['that has expired', 'CERT_HAS_EXPIRED', () =>
    authority.issue({ dnsNames: ['localhost'], notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) })],
  ['that is not valid yet', 'CERT_NOT_YET_VALID', () =>
    authority.issue({ dnsNames: ['localhost'], notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 2 * DAY_MS) })],
]; // prettier-ignore

for (const [what, code, issue] of DISTRUSTED) {
  test(`a server with a certificate ${what} gets not one byte of the request`, async () => {
    const server = await serveFakeSafe(await issue(), answerWith('{}'));
    assert.deepEqual(await ask(server.port), { kind: 'not_trusted', code });
    assert.equal(server.received(), '');
    assert.equal(server.requests.length, 0);
  });
}

test('a server without TLS 1.3 gets not one byte of the request', async () => {
  const server = await serveFakeSafe(keyPair, answerWith('{}'), 'TLSv1.2');
  const outcome = await ask(server.port);
  assert.equal(outcome.kind, 'unreachable');
  assert.match(outcome.code, /^ERR_SSL_/);
  assert.equal(server.received(), '');
});

test('a server that speaks plain HTTP gets nothing that it could read', async () => {
  let received = '';
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      });
    }),
  );
  const outcome = await ask(port);
  assert.equal(outcome.kind, 'unreachable');
  assert.notEqual(received, '');
  for (const word of ['Bearer', TOKEN, TOKEN.slice(20, 40), '/v1/secrets'])
    assert.ok(!received.includes(word));
});

test('a redirect is an answer, and nobody follows it', async () => {
  const elsewhere = await serveFakeSafe(keyPair, answerWith('{}'));
  const { port } = await serveFakeSafe(keyPair, (_request, response) => {
    response.writeHead(307, { location: `https://localhost:${elsewhere.port}/` });
    response.end();
  });
  const outcome = await ask(port);
  assert.equal(outcome.kind === 'answer' && outcome.status, 307);
  assert.equal(elsewhere.received(), '');
});

test('an answer that is cut at any byte is no answer', async () => {
  const body = '{"revision":"r1","secrets":[]}';
  const answers = [
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ];
  for (const answer of answers) {
    const whole = Buffer.from(answer);
    const port = await serveBytes((connection) => whole.subarray(0, connection));
    for (let length = 0; length < whole.length; length++) {
      const outcome = await ask(port);
      assert.equal(outcome.kind, 'unreachable', `cut after ${length} bytes`);
    }
    const outcome = await ask(port);
    assert.equal(outcome.kind === 'answer' && outcome.body.toString(), body);
  }
});

test('an answer may be of 8 MiB and not of one byte more, however it is sent', async () => {
  const send = async (bytes: number, isChunked: boolean): Promise<Outcome> => {
    const { port } = await serveFakeSafe(keyPair, (_request, response) => {
      if (!isChunked) response.setHeader('content-length', bytes);
      response.end(Buffer.alloc(bytes, 0x20));
    });
    return ask(port);
  };
  for (const isChunked of [true, false]) {
    const outcome = await send(MAX_ANSWER_BYTES, isChunked);
    assert.equal(outcome.kind === 'answer' && outcome.body.length, MAX_ANSWER_BYTES);
    assert.deepEqual(await send(MAX_ANSWER_BYTES + 1, isChunked), { kind: 'too_large' });
  }
});

test('an answer without end is stopped at 8 MiB', async () => {
  let sent = 0;
  const { port } = await serveFakeSafe(keyPair, (_request, response) => {
    // One piece a turn: a loop would never let the server notice that the other side has left.
    const more = (): void => {
      if (response.destroyed || sent > 64 * MAX_ANSWER_BYTES) return;
      sent += 65_536;
      response.write(Buffer.alloc(65_536), () => setImmediate(more));
    };
    more();
  });
  assert.deepEqual(await ask(port), { kind: 'too_large' });
  assert.ok(sent < 4 * MAX_ANSWER_BYTES);
});

test('headers without end are no answer', async () => {
  const port = await serveBytes(() => Buffer.from(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(10_000)}`));
  assert.deepEqual(await ask(port), { kind: 'unreachable', code: 'HPE_HEADER_OVERFLOW' });
});

test('what is no HTTP is no answer', async () => {
  const port = await serveBytes(() => Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'));
  const outcome = await ask(port);
  assert.equal(outcome.kind, 'unreachable');
});

const STALLING: readonly (readonly [string, () => Promise<number>])[] = [
  ['accepts and says nothing', () => listen(createServer(() => undefined))],
  ['shakes hands and says nothing', async () => (await serveFakeSafe(keyPair, () => undefined)).port],
  ['stops in the middle', async () =>
    (await serveFakeSafe(keyPair, (_request, response) => response.writeHead(200).write('{"secrets":['))).port],
]; // prettier-ignore

for (const [what, serve] of STALLING) {
  test(`a server that ${what} is left when the time is over`, async () => {
    const port = await serve();
    const start = performance.now();
    assert.deepEqual(await ask(port, { timeoutMs: 150 }), { kind: 'unreachable', code: 'timed out' });
    assert.ok(performance.now() - start < 4000);
  });
}

test('a slow answer is awaited as long as there is time', async () => {
  const { port } = await serveFakeSafe(keyPair, (_request, response) => {
    response.write('{');
    setTimeout(() => response.end('}'), 300);
  });
  const outcome = await ask(port);
  assert.equal(outcome.kind === 'answer' && outcome.body.toString(), '{}');
});

test('a closed port and a name that nobody has are told apart', async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  assert.deepEqual(await ask(port), { kind: 'unreachable', code: 'ECONNREFUSED' });
  const outcome = await ask(port, { host: 'sotto-safe.invalid' }); // RFC 6761: never resolved
  assert.equal(outcome.kind, 'name_unknown');
});
