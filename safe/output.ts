import { writeSync } from 'node:fs';

const FULL_PIPE_WAIT_MS = 2;
const FULL_PIPE_LIMIT_MS = 2_000;

/**
 * Writes all of `text` to a file descriptor before it returns. A pipe that is full takes a part only or nothing (EAGAIN),
 * until its reader has caught up.
 *
 * @throws the system's error, and EAGAIN when the reader takes nothing for 2 s.
 */
export function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let waitedMs = 0;
  for (let at = 0; at < bytes.length;) {
    const written = writeSome(fd, bytes, at);
    waitedMs = written > 0 ? 0 : waitedMs + FULL_PIPE_WAIT_MS;
    if (waitedMs > FULL_PIPE_LIMIT_MS)
      throw Object.assign(new Error('nobody reads the output'), { code: 'EAGAIN' });
    if (written === 0) Atomics.wait(NOBODY_WAKES, 0, 0, FULL_PIPE_WAIT_MS);
    at += written;
  }
}

const NOBODY_WAKES = new Int32Array(new SharedArrayBuffer(4));

function writeSome(fd: number, bytes: Buffer, at: number): number {
  try {
    return writeSync(fd, bytes, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

/** A log line is not worth a crash, nor an answer that is not given: what cannot be written is dropped. */
export function writeIfPossible(fd: number, text: string): void {
  try {
    writeFully(fd, text);
  } catch {
    // there is nowhere left to say so
  }
}
