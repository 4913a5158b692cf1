import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EngineError, type Engine, type SealedRecord } from './engine.ts';
import type { WorkerAnswer, WorkerRequest } from './sqlite-worker.ts';

/**
 * The default engine: one SQLite file, write-ahead log, `synchronous=FULL`. It has one writer by nature; a second process
 * that opens the same file gets `in_use`.
 *
 * @param path - of the database file; its folder must exist. Created when it is not there.
 */
export function createSqliteEngine(path: string): Engine {
  // Beside this file: `.ts` when it runs from source, `.js` when it was bundled.
  const script = new URL(`./sqlite-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, { workerData: { path } });
  const waiting: ((answer: WorkerAnswer) => void)[] = [];
  let broken: WorkerAnswer | undefined;
  let closed: Promise<void> | undefined;

  worker.on('message', (answer: WorkerAnswer) => waiting.shift()?.(answer));
  worker.on('error', () => {
    broken = { kind: 'failed', code: 'gone', message: 'the thread of the database ended' };
    for (const answer of waiting.splice(0)) answer(broken);
  });

  async function ask(request: WorkerRequest): Promise<WorkerDone> {
    const answer =
      broken ??
      (await new Promise<WorkerAnswer>((resolve) => {
        waiting.push(resolve);
        worker.postMessage(request);
      }));
    if (answer.kind === 'done') return answer;
    throw new EngineError(answer.code, answer.message);
  }

  async function* readPages(): AsyncGenerator<readonly SealedRecord[]> {
    for (let afterSeq = 0; ;) {
      const { page = [] } = await ask({ kind: 'page', afterSeq });
      const last = page.at(-1);
      if (last === undefined) return;
      yield page.map(asRecord);
      afterSeq = last.seq;
    }
  }

  async function close(): Promise<void> {
    const exited = once(worker, 'exit');
    await ask({ kind: 'close' });
    await exited;
  }

  return {
    load: async () => {
      const { head } = await ask({ kind: 'head' });
      return { head: head && { ...head, sealed: asBuffer(head.sealed) }, pages: readPages() };
    },
    commit: async (change, expectedRevision) => {
      await ask({ kind: 'commit', change, expectedRevision });
    },
    close: () => (closed ??= close()),
  };
}

type WorkerDone = Extract<WorkerAnswer, { kind: 'done' }>;

/** A Buffer that crosses threads arrives as a plain Uint8Array. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const asRecord = ({ seq, id, version, sealed }: SealedRecord): SealedRecord => ({
  seq,
  id: asBuffer(id),
  version,
  sealed: asBuffer(sealed),
});
