import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCacheDirectory, buildPath, checkMachine } from './machine.ts';

test('without root or without Linux one sentence says so and names what works', () => {
  for (const [platform, userId] of [
    ['linux', 1000],
    ['darwin', 0],
    ['win32', undefined],
  ] as const) {
    assert.throws(
      () => checkMachine({ platform, userId, environment: {} }),
      /needs Linux and root; "make check"/,
    );
  }
  checkMachine({ platform: 'linux', userId: 0, environment: {} });
});

test('a cluster is not started or stopped from the inside of one', () => {
  const environment = { SOTTO_CLUSTER_NAME: 'a' };
  assert.throws(
    () => checkMachine({ platform: 'linux', userId: 0, environment }),
    /inside cluster a; leave it first/,
  );
});

test('directories of system programs are searched even if PATH lacks them', () => {
  assert.equal(buildPath({ PATH: '/x:/usr/bin' }).startsWith('/x:/usr/bin:'), true);
  assert.equal(buildPath({}).split(':').includes('/usr/sbin'), true);
});

test('the cache is where XDG_CACHE_HOME says, else in the home directory', () => {
  assert.equal(buildCacheDirectory({ XDG_CACHE_HOME: '/c', HOME: '/h' }), '/c/sotto');
  assert.equal(buildCacheDirectory({ HOME: '/h' }), '/h/.cache/sotto');
});
