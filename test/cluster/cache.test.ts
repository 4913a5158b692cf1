import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeOnce } from './cache.ts';

const onlyLinux = { skip: process.platform !== 'linux' };

function makeParent(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'cache-'));
  t.after(() => rmSync(parent, { recursive: true }));
  return parent;
}

test('of two that build the same at once, one builds and both have it', onlyLinux, async (t) => {
  const parent = makeParent(t);
  let builds = 0;
  const build = () =>
    makeOnce(
      `${parent}/program`,
      (workshop) => {
        builds += 1;
        writeFileSync(`${workshop}/binary`, 'complete');
        return Promise.resolve();
      },
      t.signal,
    );
  assert.deepEqual((await Promise.all([build(), build()])).sort(), [false, true]);
  assert.equal(builds, 1);
  assert.equal(readFileSync(`${parent}/program/binary`, 'utf8'), 'complete');
  assert.deepEqual(readdirSync(parent), ['program']);
});

test('a build that fails leaves nothing that could be taken for one that succeeded', onlyLinux, async (t) => {
  const parent = makeParent(t);
  const failure = new Error('no space left');
  const build = makeOnce(
    `${parent}/program`,
    (workshop) => {
      writeFileSync(`${workshop}/binary`, 'half');
      assert.equal(existsSync(`${parent}/program`), false);
      return Promise.reject(failure);
    },
    t.signal,
  );
  await assert.rejects(build, failure);
  assert.deepEqual(readdirSync(parent), []);
});

test('what a killed build has left is not used, and removed by the next one', onlyLinux, async (t) => {
  const parent = makeParent(t);
  mkdirSync(`${parent}/.unfinished-program-abc`);
  writeFileSync(`${parent}/.unfinished-program-abc/binary`, 'half');
  const makeEmpty = () => Promise.resolve();
  assert.equal(await makeOnce(`${parent}/program`, makeEmpty, t.signal), true);
  assert.deepEqual(readdirSync(parent), ['program']);
});
