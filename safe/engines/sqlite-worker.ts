import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Change, EngineErrorCode, SealedRecord, StoredHead } from './engine.ts';

/**
 * Runs SQLite in a thread of its own, so that the event loop never waits for the disk. One request at a time, each
 * answered in order: see `sqlite.ts` for the other end.
 */
export type WorkerRequest =
  | { readonly kind: 'head' }
  | { readonly kind: 'page'; readonly afterSeq: number }
  | { readonly kind: 'commit'; readonly change: Change; readonly expectedRevision: number }
  | { readonly kind: 'close' };

export type WorkerAnswer =
  | { readonly kind: 'done'; readonly head?: StoredHead; readonly page?: readonly SealedRecord[] }
  | { readonly kind: 'failed'; readonly code: EngineErrorCode; readonly message: string };

/** "SOTT": tells our file from any other SQLite database. */
const APPLICATION_ID = 0x534f5454;
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * `EXCLUSIVE` before anything is read: the lock lasts as long as the process, so a second Safe on the same volume is
 * refused, and a crash frees it. `FULL` syncs the write-ahead log at every commit, which is what durable means here.
 */
const PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
  PRAGMA trusted_schema = OFF;
`;

class Refusal extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

interface Opened {
  readonly db: DatabaseSync;
  readonly putRecord: StatementSync;
  readonly removeRecord: StatementSync;
  readonly putHead: StatementSync;
}

function openDatabase(path: string): Opened {
  const db = new DatabaseSync(path, { timeout: 0 });
  db.exec(PRAGMAS);
  if (pragma(db, 'application_id') === 0 && countTables(db) === 0) createSchema(db, path);
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new Refusal('not_a_store', 'the file is a database, but not a store of Sotto');
  }
  if (pragma(db, 'user_version') !== SCHEMA_VERSION) {
    throw new Refusal('newer', 'the store was written by a newer release of Sotto');
  }
  return {
    db,
    putRecord: db.prepare('INSERT INTO record (seq, id, version, sealed) VALUES (?, ?, ?, ?)'),
    removeRecord: db.prepare('DELETE FROM record WHERE seq = ?'),
    putHead: db.prepare('INSERT OR REPLACE INTO head (one, revision, sealed) VALUES (1, ?, ?)'),
  };
}

function createSchema(db: DatabaseSync, path: string): void {
  db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory); // the file's name has to survive the loss of power too
  closeSync(directory);
}

const pragma = (db: DatabaseSync, name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];

const countTables = (db: DatabaseSync) => db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];

function loadHead({ db }: Opened): WorkerAnswer {
  const row = db.prepare('SELECT revision, sealed FROM head').get();
  if (row === undefined) return { kind: 'done' };
  return { kind: 'done', head: { revision: row['revision'] as number, sealed: row['sealed'] as Buffer } };
}

/** Records after `afterSeq`, as many as fit and at least one while there are any. */
function loadPage({ db }: Opened, afterSeq: number): WorkerAnswer {
  const page: SealedRecord[] = [];
  let bytes = 0;
  const rows = db
    .prepare('SELECT seq, id, version, sealed FROM record WHERE seq > ? ORDER BY seq')
    .iterate(afterSeq);
  for (const row of rows) {
    const record = row as unknown as SealedRecord; // STRICT tables: SQLite itself holds the columns to these types
    page.push(record);
    bytes += record.sealed.length;
    if (bytes >= PAGE_BYTES) break;
  }
  return { kind: 'done', page };
}

const PAGE_BYTES = 4 * 1024 * 1024;

function commit(opened: Opened, { put, remove, head }: Change, expectedRevision: number): void {
  const { db, putRecord, removeRecord, putHead } = opened;
  db.exec('BEGIN IMMEDIATE');
  try {
    const revision = db.prepare('SELECT revision FROM head').get()?.['revision'] ?? 0;
    if (revision !== expectedRevision) throw new Refusal('conflict', 'the store is at another revision');
    for (const { seq, id, version, sealed } of put) putRecord.run(seq, id, version, sealed);
    for (const seq of remove) removeRecord.run(seq);
    putHead.run(expectedRevision + 1, head);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite's result codes (https://sqlite.org/rescode.html), of which the lower byte is the primary one. */
const CODE_OF: Readonly<Record<number, EngineErrorCode>> = {
  5: 'in_use',
  11: 'not_a_store',
  13: 'full',
  26: 'not_a_store',
};

function describe(error: unknown): WorkerAnswer {
  if (error instanceof Refusal) return { kind: 'failed', code: error.code, message: error.message };
  const resultCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const message = error instanceof Error && 'errstr' in error ? String(error.errstr) : 'unexpected failure';
  return { kind: 'failed', code: CODE_OF[resultCode] ?? 'failed', message: `SQLite: ${message}` };
}

let opened: Opened | undefined;

function serve(request: WorkerRequest): WorkerAnswer {
  try {
    if (request.kind === 'close') {
      opened?.db.close();
      return { kind: 'done' };
    }
    opened ??= openDatabase((workerData as { path: string }).path);
    if (request.kind === 'head') return loadHead(opened);
    if (request.kind === 'page') return loadPage(opened, request.afterSeq);
    commit(opened, request.change, request.expectedRevision);
    return { kind: 'done' };
  } catch (error) {
    return describe(error);
  }
}

parentPort?.on('message', (request: WorkerRequest) => {
  parentPort?.postMessage(serve(request));
  if (request.kind === 'close') parentPort?.close();
});
