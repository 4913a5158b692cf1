import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress, formatSeconds, type Screen } from './progress.ts';

function createScreen(isTerminal: boolean): { screen: Screen; written: () => string } {
  let text = '';
  let clock = 0;
  const screen = {
    write: (more: string) => (text += more),
    isTerminal,
    hasColor: false,
    now: () => (clock += 1500),
  };
  return { screen, written: () => text };
}

test('a pipe gets one plain line a step, with its number, what was done and how long it took', async () => {
  const { screen, written } = createScreen(false);
  const progress = createProgress(screen, 2);
  assert.equal(await progress.step('first', () => Promise.resolve(7)), 7);
  await progress.step('second', (note) => {
    note('in the cache');
    return Promise.resolve();
  });
  assert.equal(written(), 'step 1 of 2  first  1.5 s\nstep 2 of 2  second  1.5 s, in the cache\n');
});

test('a step that fails says so, and the error goes on to whoever explains it', async () => {
  const { screen, written } = createScreen(false);
  const failure = new Error('no disk');
  await assert.rejects(
    createProgress(screen, 1).step('only', () => Promise.reject(failure)),
    failure,
  );
  assert.equal(written(), 'step 1 of 1  only  1.5 s, failed\n');
});

test('a pipe is told every 30 s that a long step goes on', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { screen, written } = createScreen(false);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const step = createProgress(screen, 1).step('long', () => promise);
  t.mock.timers.tick(60_000);
  resolve(undefined);
  await step;
  assert.equal(written().split('so far\n').length - 1, 2);
});

test('a terminal gets a live line that the final one replaces', async () => {
  const { screen, written } = createScreen(true);
  await createProgress(screen, 1).step('only', () => Promise.resolve());
  assert.equal(written(), 'step 1 of 1  only\r\u001b[2Kstep 1 of 1  only  1.5 s\n');
});

test('durations are short to read', () => {
  assert.equal(formatSeconds(420), '0.4 s');
  assert.equal(formatSeconds(12_345), '12 s');
  assert.equal(formatSeconds(185_000), '3 min 05 s');
});
