import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMountPath, isSystemPath, overlaps } from '../../webhook/mount-path.ts';

test('a mount path is absolute and means the same to everyone', () => {
  const good = ['/sotto', '/etc/app/secrets', '/a.b/c_d-e', '/..data', `/${'x'.repeat(254)}`];
  for (const path of good) assert.ok(isMountPath(path), path);
  const bad = [
    ...[
      '',
      '/',
      'sotto',
      './sotto',
      '/sotto/',
      '//sotto',
      '/a//b',
      '/a/./b',
      '/a/../b',
      '/..',
      '/.',
      '/a/..',
    ],
    ...['/a:b', '/a b', '/a\nb', '/a\0', '/ä', '/$(X)', '/a\\b', '~/x', `/${'x'.repeat(255)}`],
  ];
  for (const path of bad) assert.ok(!isMountPath(path), path);
});

test('nothing is mounted over, above or in what a container needs to run', () => {
  const system = [
    ...[
      '/proc',
      '/proc/self',
      '/sys/fs',
      '/dev',
      '/dev/shm',
      '/bin',
      '/lib64',
      '/usr/bin',
      '/usr/local/bin/x',
    ],
    ...[
      '/etc',
      '/usr',
      '/usr/local',
      '/var',
      '/run',
      '/var/run',
      '/var/run/secrets',
      '/run/secrets',
      '/tmp',
      '/home',
      '/root',
    ],
    ...['/var/run/secrets/kubernetes.io', '/var/run/secrets/kubernetes.io/serviceaccount/x', '/var/lib'],
  ];
  for (const path of system) assert.ok(isSystemPath(path), path);
  const free = [
    ...[
      '/sotto',
      '/etc/app',
      '/usr/src/app/secrets',
      '/var/run/secrets/sotto',
      '/run/app',
      '/home/app/.sotto',
      '/tmp/x',
    ],
    ...['/process', '/development', '/usr/share/app', '/binary', '/opt/app', '/var/lib/app'],
  ];
  for (const path of free) assert.ok(!isSystemPath(path), path);
});

test('paths overlap when one is the other or lies below it, however they are written', () => {
  const same = ['/sotto', '/sotto/', '//sotto', 'sotto', '/x/../sotto', '/sotto/db', '/sotto/./db/', '/'];
  for (const path of same) assert.ok(overlaps('/sotto', path), path);
  for (const path of ['/sotto2', '/sott', '/x/sotto', '/sotto/../x', '']) {
    assert.equal(overlaps('/sotto', path), path === '', path);
  }
});

test('overlapping is symmetric', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', '..', '.', ''), { maxLength: 5 })
    .map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(path, path, (one, other) => {
      assert.equal(overlaps(one, other), overlaps(other, one));
    }),
  );
});
