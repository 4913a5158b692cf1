import { posix } from 'node:path';

const MAX_LENGTH = 255;

/** Nothing may be mounted at, above or below these: what lies there belongs to the kernel, the runtime or the image's programs. */
const CLOSED = [
  ...['/bin', '/boot', '/dev', '/lib', '/lib64', '/proc', '/sbin', '/sys'],
  ...['/usr/bin', '/usr/lib', '/usr/lib64', '/usr/sbin', '/usr/local/bin', '/usr/local/lib'],
  ...['/run/secrets/kubernetes.io', '/var/run/secrets/kubernetes.io'],
];

/** Below these there is room for ours; at or above them it would hide what the image needs. */
const BUSY = ['/etc', '/home', '/opt', '/root', '/srv', '/tmp', '/var/lib', '/var/log'];

/**
 * An absolute path that means the same to everyone: no `.`, `..`, doubled or closing slash, and no colon, which Kubernetes
 * refuses in a mount path.
 */
export const isMountPath = (path: string): boolean =>
  path.length <= MAX_LENGTH &&
  /^(?:\/[-._a-zA-Z0-9]+)+$/.test(path) &&
  path.split('/').every((segment) => segment !== '.' && segment !== '..');

/** Whether mounting at `path` would hide, or write among, what a container cannot run without. */
export const isSystemPath = (path: string): boolean =>
  CLOSED.some((closed) => overlaps(path, closed)) || BUSY.some((busy) => isAtOrBelow(busy, path));

/** Whether one path is the other or lies below it. A pod's own mount paths are as untidy as their authors. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [posix.resolve('/', one), posix.resolve('/', other)];
  return isAtOrBelow(a, b) || isAtOrBelow(b, a);
}

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
