import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** Where the kubelet looks for it unless a pod says otherwise, and how much of it it reads. */
const PATH = '/dev/termination-log';
const MAX_BYTES = 4096;

/**
 * Leaves `message` where `kubectl describe pod` shows it; one line, cut to what the kubelet reads. Does nothing where
 * there is no such file, such as outside of a container.
 */
export function writeTerminationMessage(message: string): void {
  const { O_WRONLY, O_TRUNC, O_NOFOLLOW } = constants;
  try {
    const fd = openSync(PATH, O_WRONLY | O_TRUNC | O_NOFOLLOW);
    writeSync(fd, formatLine(message));
    closeSync(fd);
  } catch {
    // The same sentence is in the log, and the exit code says it too.
  }
}

/** One line of printable characters and at most `MAX_BYTES`, cut between two characters. */
export function formatLine(message: string): string {
  const line = message.replaceAll(/\p{Cc}+/gu, ' ');
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_BYTES) return line;
  return bytes
    .subarray(0, MAX_BYTES)
    .toString()
    .replace(/\uFFFD+$/, '');
}
