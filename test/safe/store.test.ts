import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Place } from '../../safe/backup/backup.ts';
import { EngineError } from '../../safe/engines/engine.ts';
import type { SecretVersion } from '../../safe/secret.ts';
import { createStore, KEPT_VERSIONS } from '../../safe/store.ts';
import { AppError } from '../../shared/errors.ts';
import { newSafe, openSafe } from '../support/safe.ts';
import { dataOf, revealed } from '../support/secrets.ts';

const db = { namespace: 'shop', name: 'db' };
const next = (text: string, readers: { namespace: string; serviceAccount: string }[] = []) => ({
  data: dataOf({ password: text }),
  readers,
});
const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected;

const ports = { now: Date.now, onLost: () => undefined };

/** A save that is done when the test says so, for what a real disk cannot be held to. */
function heldSave() {
  const calls: { put: readonly SecretVersion[]; finish: () => void; fail: (error: Error) => void }[] = [];
  const save = (put: readonly SecretVersion[]) =>
    new Promise<Place[]>((resolve, reject) => {
      const places = put.map(({ version }, seq) => ({ seq, version, term: 0n }));
      calls.push({ put, finish: () => resolve(places), fail: reject });
    });
  return { calls, save };
}

test('a write is visible only when it is durable, and answered only then', async () => {
  const { calls, save } = heldSave();
  const store = createStore([], save, ports);
  const write = store.put(db, next('hunter2'));
  assert.equal(store.get(db), undefined);
  calls[0]?.finish();
  assert.equal((await write).version, 1);
  assert.deepEqual(revealed(store.get(db)?.data ?? new Map()), { password: 'hunter2' });
});

test('a write that could not be made durable is refused, and what was there before is served on', async () => {
  const { calls, save } = heldSave();
  const store = createStore([], save, ports);
  const first = store.put(db, next('first'));
  calls[0]?.finish();
  await first;
  await turn();
  for (const [error, expected] of [
    [new EngineError('full', 'no space'), 'insufficient_storage'],
    [new EngineError('failed', 'input/output error'), 'unavailable'],
  ] as const) {
    const write = store.put(db, next('second'));
    calls.at(-1)?.fail(error);
    await assert.rejects(write, code(expected));
    assert.deepEqual(revealed(store.get(db)?.data ?? new Map()), { password: 'first' });
    assert.equal(store.get(db)?.version, 1);
    await turn();
  }
});

test('writes that arrive while the disk is busy are made durable together, in their order', async () => {
  const { calls, save } = heldSave();
  const store = createStore([], save, ports);
  const writes = ['a', 'b', 'c', 'd'].map((text) => store.put(db, next(text)));
  calls[0]?.finish();
  await writes[0];
  await turn();
  assert.equal(calls.length, 2);
  assert.deepEqual(
    calls[1]?.put.map(({ version }) => version),
    [2, 3, 4],
  );
  calls[1].finish();
  assert.deepEqual(
    (await Promise.all(writes)).map(({ version }) => version),
    [1, 2, 3, 4],
  );
  assert.deepEqual(revealed(store.get(db)?.data ?? new Map()), { password: 'd' });
});

test('of two conditional writes on the same version, one wins and the other learns the version', async (t) => {
  const { store } = await newSafe(t);
  await store.put(db, next('1'), { precondition: { kind: 'absent' } });
  const outcomes = await Promise.allSettled([
    store.put(db, next('2'), { precondition: { kind: 'version', version: 1 } }),
    store.put(db, next('3'), { precondition: { kind: 'version', version: 1 } }),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await assert.rejects(
    store.put(db, next('4'), { precondition: { kind: 'absent' } }),
    code('precondition_failed'),
  );
  assert.equal(store.get(db)?.version, 2);
});

test('readers that a write leaves out stay; those it names replace them', async (t) => {
  const { store } = await newSafe(t);
  const reader = { namespace: 'shop', serviceAccount: 'api' };
  await store.put(db, next('1', [reader]));
  assert.deepEqual((await store.put(db, { ...next('2'), readers: undefined })).readers, [reader]);
  assert.deepEqual((await store.put(db, next('3', []))).readers, []);
});

test('a deleted secret is gone at once, for its readers and for the list, and its readers do not come back with it', async (t) => {
  const { store } = await newSafe(t);
  await store.put(db, next('1', [{ namespace: 'shop', serviceAccount: 'api' }]));
  await store.delete(db);
  assert.equal(store.get(db), undefined);
  assert.deepEqual(store.inNamespace('shop'), []);
  assert.deepEqual(store.list(undefined, '', 10).items, []);
  await assert.rejects(store.delete(db), code('not_found'));
  assert.deepEqual((await store.put(db, { ...next('2'), readers: undefined })).readers, []);
});

test('a replaced value is overwritten in memory', async (t) => {
  const { store } = await newSafe(t);
  const old = next('hunter2');
  await store.put(db, old);
  await store.put(db, next('other'));
  assert.deepEqual([...(old.data.get('password')?.reveal() ?? [])], [0, 0, 0, 0, 0, 0, 0]);
});

test(`the last ${KEPT_VERSIONS} versions are kept on disk and no more, also when they were written together`, async (t) => {
  const { store, engine, path } = await newSafe(t);
  await Promise.all(Array.from({ length: 25 }, (_, i) => store.put(db, next(String(i)))));
  for (let i = 0; i < 5; i++) await store.put(db, next(String(i)));
  const kept = async () => (await Array.fromAsync((await engine.load()).pages)).flat();
  const records = await kept();
  assert.ok(records.length >= KEPT_VERSIONS, `${records.length} records`);
  await store.put(db, next('last'));
  assert.deepEqual(
    (await kept()).map(({ version }) => version),
    [22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
  );
  await engine.close();
  const again = await openSafe(path);
  assert.equal(again.store.get(db)?.version, 31);
  await again.engine.close();
});

test('a list is in order of names, and its pages leave nothing out', async (t) => {
  const { store } = await newSafe(t);
  const names = ['b', 'a', 'a.b', 'a-b', 'c', 'ab'];
  await Promise.all(names.map((name) => store.put({ namespace: 'shop', name }, next('x'))));
  await store.put({ namespace: 'payments', name: 'z' }, next('x'));
  const seen: string[] = [];
  let after = '';
  for (;;) {
    const { items, isLast } = store.list('shop', after, 2);
    seen.push(...items.map(({ name }) => name));
    after = `shop/${seen.at(-1) ?? ''}`;
    if (isLast) break;
  }
  assert.deepEqual(seen, [...names].sort());
  assert.equal(store.list(undefined, '', 100).items.length, 7);
});

test('a change that was allowed as the one kind is not made as the other', async (t) => {
  const { store } = await newSafe(t);
  await store.put(db, next('1'), { isNew: true });
  await assert.rejects(store.put(db, next('2'), { isNew: true }), code('conflict'));
  await store.delete(db);
  await assert.rejects(store.put(db, next('3'), { isNew: false }), code('conflict'));
});

test('what refuses to be written down first is not made', async (t) => {
  const { store } = await newSafe(t);
  const onDecided = () => {
    throw new AppError('unavailable', 'no audit');
  };
  await assert.rejects(store.put(db, next('1'), { onDecided }), code('unavailable'));
  assert.equal(store.get(db), undefined);
});

test('when the engine has gone another way, or is gone, whoever runs the store is told', async () => {
  for (const lost of ['conflict', 'gone'] as const) {
    const told: string[] = [];
    const save = () => Promise.reject(new EngineError(lost, 'lost'));
    const store = createStore([], save, { now: Date.now, onLost: (error) => told.push(error.code) });
    await assert.rejects(store.put(db, next('1')), code('unavailable'));
    assert.deepEqual(told, [lost]);
  }
});
