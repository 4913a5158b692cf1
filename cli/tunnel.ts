import stream, { Writable, type Duplex } from 'node:stream';
import type { PortForward } from '@kubernetes/client-node';
import { SYSTEM_NAMESPACE } from '../shared/names.ts';
import { printable } from './print.ts';

/**
 * Opens one connection to `port` of a pod of the system namespace, through the API server. The stream carries bytes as
 * a socket does; destroying it closes the connection.
 *
 * The connection counts as open before anybody has answered at the other end: what the kubelet reports on its error
 * channel destroys the stream with a TunnelError.
 *
 * @throws what client-node throws when the API server does not open the connection.
 */
export async function openTunnel(forward: PortForward, pod: string, port: number): Promise<Duplex> {
  const [near, far] = stream.duplexPair(); // by its name alone it could not even be loaded by the Node that main.ts refuses
  const socket: unknown = await forward.portForward(SYSTEM_NAMESPACE, pod, [port], far, reportTo(near), far);
  if (!isWebSocket(socket)) throw new TypeError('client-node returned no WebSocket');
  socket.onclose = () => far.end();
  const close = () => {
    socket.close();
  };
  if (near.destroyed) close();
  else near.once('close', close);
  return near;
}

/** The part of a WebSocket that is used here; client-node comes without the types of `ws`. */
interface WebSocket {
  onclose: () => void;
  close(): void;
}

const isWebSocket = (value: unknown): value is WebSocket =>
  typeof value === 'object' && value !== null && 'onclose' in value && 'close' in value;

/** The error channel, which begins with an empty message: client-node has cut the port number off. */
function reportTo(stream: Duplex): Writable {
  stream.on('error', () => undefined); // it may come before anybody uses the stream, who then finds it in `errored`
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (chunk.length > 0) stream.destroy(new TunnelError(printable(chunk.toString('utf8'), 300)));
      done();
    },
  });
}

/** The kubelet could not connect to the port inside the pod, or lost the connection. The message is the kubelet's. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
}
