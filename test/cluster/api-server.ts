import { spawn } from 'node:child_process';
import { request } from 'node:https';
import { Socket } from 'node:net';
import { connect } from 'node:tls';
import { readFileSync } from 'node:fs';
import { buildEnterCommand, type Entrance } from './namespace.ts';
import { ClusterError } from './errors.ts';
import { NETWORK } from './network.ts';
import type { Layout } from './layout.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The API server as administrator, from outside the network namespace. */
export interface ApiServer {
  /** @returns undefined when nobody answers. */
  get(path: string): Promise<Answer | undefined>;
  /** Creates the object; one that is there already is left as it is. */
  create(path: string, object: object): Promise<void>;
}

const REQUEST_DEADLINE_MS = 10_000;

export function createApiServer(layout: Layout, entrance: Entrance): ApiServer {
  const identity = {
    ca: readFileSync(`${layout.pki}/ca.crt`),
    cert: readFileSync(`${layout.pki}/admin.crt`),
    key: readFileSync(`${layout.pki}/admin.key`),
    servername: 'kubernetes',
  };

  function send(method: string, path: string, content?: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = {
      method,
      path,
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
      headers: { 'content-type': 'application/json' },
      createConnection: () => connect({ ...identity, socket: dial(entrance) }),
    };
    const outgoing = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end(content);
    return promise;
  }

  return {
    get: (path) => send('GET', path).catch(() => undefined),
    create: async (path, object) => {
      const { status, body } = await send('POST', path, JSON.stringify(object));
      if (status === 201 || status === 409) return;
      throw new ClusterError(`the API server answered ${status} to a new object at ${path}: ${body}`);
    },
  };
}

/** A connection that begins inside: a process cannot change its network namespace, but netcat's streams cross it. */
function dial(entrance: Entrance): Socket {
  const netcat = 'exec busybox nc "$0" "$1" <&3 >&3';
  const command = ['/bin/sh', '-c', netcat, NETWORK.node, String(NETWORK.apiServerPort)] as const;
  const [program, ...args] = buildEnterCommand(entrance, command);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) throw new ClusterError(`${program} cannot be run`);
  child.on('error', (error) => socket.destroy(error));
  socket.on('close', () => child.kill());
  return socket;
}
