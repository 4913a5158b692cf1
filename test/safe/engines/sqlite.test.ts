import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { EngineError, type Engine, type SealedRecord } from '../../../safe/engines/engine.ts';
import { createSqliteEngine } from '../../../safe/engines/sqlite.ts';
import { tempDir } from '../../support/temp-dir.ts';

const record = (seq: number): SealedRecord => ({
  seq,
  id: Buffer.alloc(32, seq),
  version: 1,
  sealed: Buffer.from(`sealed ${seq}`),
});
const head = Buffer.from('a head');

async function loadAll(engine: Engine) {
  const { head: found, pages } = await engine.load();
  return { head: found, records: (await Array.fromAsync(pages)).flat() };
}

const newPath = (t: TestContext) => join(tempDir(t), 'safe.db');

test('a new store has no head and no record', async (t) => {
  const engine = createSqliteEngine(newPath(t));
  assert.deepEqual(await loadAll(engine), { head: undefined, records: [] });
  await engine.close();
});

test('what was committed is there when the file is opened again', async (t) => {
  const path = newPath(t);
  const engine = createSqliteEngine(path);
  await engine.commit({ put: [record(1), record(2)], remove: [], head }, 0);
  await engine.commit({ put: [record(3)], remove: [1], head: Buffer.from('the next head') }, 1);
  await engine.close();
  const again = createSqliteEngine(path);
  const { head: found, records } = await loadAll(again);
  assert.deepEqual(found, { revision: 2, sealed: Buffer.from('the next head') });
  assert.deepEqual(records, [record(2), record(3)]);
  await again.close();
});

test('a commit against another revision is a conflict and changes nothing', async (t) => {
  const engine = createSqliteEngine(newPath(t));
  await engine.commit({ put: [record(1)], remove: [], head }, 0);
  await assert.rejects(
    engine.commit({ put: [record(2)], remove: [1], head }, 0),
    (error) => error instanceof EngineError && error.code === 'conflict',
  );
  assert.deepEqual((await loadAll(engine)).records, [record(1)]);
  await engine.close();
});

test('a commit of which one record cannot be written leaves nothing of it behind', async (t) => {
  const engine = createSqliteEngine(newPath(t));
  await engine.commit({ put: [record(1)], remove: [], head }, 0);
  await assert.rejects(engine.commit({ put: [record(2), record(1)], remove: [], head }, 1), EngineError);
  assert.deepEqual((await loadAll(engine)).records, [record(1)]);
  await engine.close();
});

test('a folder that does not exist is an error with a message, not a crash', async (t) => {
  const engine = createSqliteEngine(join(newPath(t), 'no', 'such', 'folder'));
  await assert.rejects(engine.load(), EngineError);
  await engine.close().catch(() => undefined);
});

test('records that do not fit into one page come in order, each once', async (t) => {
  const engine = createSqliteEngine(newPath(t));
  const put = Array.from({ length: 13 }, (_, i) => ({
    ...record(i + 1),
    sealed: Buffer.alloc(1024 * 1024, i),
  }));
  await engine.commit({ put, remove: [], head }, 0);
  const { pages } = await engine.load();
  const sizes = (await Array.fromAsync(pages)).map((page) => page.map(({ seq }) => seq));
  assert.deepEqual(sizes, [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13]]);
  await engine.close();
});
