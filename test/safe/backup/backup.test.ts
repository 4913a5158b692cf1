import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { openBackup } from '../../../safe/backup/backup.ts';
import type { RootKey } from '../../../safe/backup/keyring.ts';
import { StoreError } from '../../../safe/backup/store-error.ts';
import { createSqliteEngine } from '../../../safe/engines/sqlite.ts';
import { openSafe, ROOT_KEY } from '../../support/safe.ts';
import { dataOf, revealed } from '../../support/secrets.ts';
import { tempDir } from '../../support/temp-dir.ts';

const reference = (i: number) => ({ namespace: 'shop', name: `s${i}` });
const next = (text: string) => ({ data: dataOf({ key: text }), readers: [] });

/** A closed store with five secrets, one of them at its second version and one deleted. */
async function closedStore(t: TestContext): Promise<string> {
  const path = join(tempDir(t), 'safe.db');
  const { engine, store } = await openSafe(path);
  for (let i = 0; i < 5; i++) await store.put(reference(i), next(`value ${i}`));
  await store.put(reference(1), next('value 1, changed'));
  await store.delete(reference(2));
  await engine.close();
  return path;
}

function edit(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

const refusal = (code: string) => (error: unknown) => error instanceof StoreError && error.code === code;

test('a restart brings back every secret, its versions and its deletions, with nobody attending', async (t) => {
  const path = await closedStore(t);
  const { engine, store } = await openSafe(path);
  t.after(() => engine.close());
  assert.deepEqual(
    [0, 1, 2, 3, 4]
      .map((i) => store.get(reference(i)))
      .map((secret) => secret && [secret.version, revealed(secret.data)]),
    [
      [1, { key: 'value 0' }],
      [2, { key: 'value 1, changed' }],
      undefined,
      [1, { key: 'value 3' }],
      [1, { key: 'value 4' }],
    ],
  );
});

test('a version number is not used again, not even after a deletion and a restart', async (t) => {
  const path = await closedStore(t);
  const { engine, store } = await openSafe(path);
  t.after(() => engine.close());
  assert.equal((await store.put(reference(2), next('again'))).version, 3);
});

test('a wrong root key is called a wrong root key, and nothing is touched', async (t) => {
  const path = await closedStore(t);
  await assert.rejects(openSafe(path, randomBytes(32) as RootKey), refusal('wrong_root_key'));
  const { engine, store } = await openSafe(path);
  t.after(() => engine.close());
  assert.equal(store.count(), 4);
});

test('a second process on the same store is refused by name', async (t) => {
  const path = join(tempDir(t), 'safe.db');
  const { engine } = await openSafe(path);
  t.after(() => engine.close());
  await assert.rejects(openSafe(path), refusal('in_use'));
});

for (const [what, sql] of [
  ['a record that was dropped', 'DELETE FROM record WHERE seq = 3'],
  [
    'a record that is there twice',
    'INSERT INTO record SELECT seq + 100, id, version, sealed FROM record WHERE seq = 3',
  ],
  ['a record with other bytes', 'UPDATE record SET sealed = zeroblob(length(sealed)) WHERE seq = 3'],
  [
    'two records that were swapped',
    'UPDATE record SET sealed = (SELECT sealed FROM record WHERE seq = 4) WHERE seq = 3',
  ],
  ['a record under another version', 'UPDATE record SET version = 9 WHERE seq = 3'],
  ['a head with other bytes', 'UPDATE head SET sealed = zeroblob(length(sealed))'],
  ['a head at another revision', 'UPDATE head SET revision = revision - 1'],
  ['a head that is gone', 'DELETE FROM head'],
] as const) {
  test(`${what}: the store is called damaged and not opened`, async (t) => {
    const path = await closedStore(t);
    edit(path, sql);
    await assert.rejects(openSafe(path), refusal('damaged'));
  });
}

test('an old head over newer records, and a whole other head, are noticed', async (t) => {
  const path = await closedStore(t);
  const older = join(tempDir(t), 'older.db');
  copyFileSync(path, older);
  const { engine, store } = await openSafe(path);
  await store.put(reference(7), next('newer'));
  await engine.close();
  edit(
    path,
    `ATTACH '${older}' AS older; UPDATE head SET sealed = (SELECT sealed FROM older.head), revision = (SELECT revision FROM older.head)`,
  );
  await assert.rejects(openSafe(path), refusal('damaged'));
});

test('a file that is no database, or not ours, is called so and left as it is', async (t) => {
  const garbage = join(tempDir(t), 'safe.db');
  writeFileSync(garbage, 'not a database at all, but somebody may want it back'.repeat(100));
  await assert.rejects(openSafe(garbage), refusal('damaged'));
  const foreign = join(tempDir(t), 'safe.db');
  edit(foreign, 'CREATE TABLE theirs (x)');
  await assert.rejects(openSafe(foreign), refusal('damaged'));
});

test('a store without its root key asks for it as one that exists', async (t) => {
  const engine = createSqliteEngine(await closedStore(t));
  t.after(() => engine.close());
  const asked: boolean[] = [];
  await openBackup(
    engine,
    (exists) => Promise.resolve(ROOT_KEY).finally(() => asked.push(exists)),
    randomBytes,
  );
  assert.deepEqual(asked, [true]);
});
