import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RenderedFile } from '../../init-container/render.ts';
import { writeFiles } from '../../init-container/write-files.ts';
import { SecretValue } from '../../shared/secret-value.ts';
import { createMemoryDirectory } from './support/program.ts';
import { hashTree, readTree } from './support/snapshot.ts';

const NOW = new Date('2026-11-24T07:31:02.123Z');
const VERSION = /^\.\.2026_11_24_07_31_02\.[A-Za-z0-9]{6}$/;

const build = (files: Record<string, string>): RenderedFile[] =>
  Object.entries(files).map(([path, text]) => ({ path, content: new SecretValue(Buffer.from(text)) }));

/** A volume in a directory with other things, of which nothing may change. */
function createVolume(): { outside: string; volume: string; write: (files: Record<string, string>) => void } {
  const outside = createMemoryDirectory();
  const volume = join(outside, 'sotto');
  mkdirSync(volume);
  mkdirSync(join(outside, 'etc'));
  writeFileSync(join(outside, 'etc/passwd'), 'root');
  return { outside, volume, write: (files) => writeFiles(volume, build(files), NOW) };
}

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

test('files are seen through links into one directory, as the kubelet lays them out', () => {
  const { volume, write } = createVolume();
  write({ 'db/password': 'hunter2', 'db.json': '{}', 'payments/stripe/key': 'sk' });
  assert.deepEqual(readTree(volume), {
    'db/password': 'hunter2',
    'db.json': '{}',
    'payments/stripe/key': 'sk',
  });

  const version = readlinkSync(join(volume, '..data'));
  assert.match(version, VERSION);
  assert.deepEqual(readdirSync(volume).sort(), [version, '..data', 'db', 'db.json', 'payments'].sort());
  assert.equal(readlinkSync(join(volume, 'db')), '..data/db');
  assert.equal(readlinkSync(join(volume, 'payments')), '..data/payments');
});

test('files may be read by everyone in the pod and changed by nobody, whatever the umask is', () => {
  const { volume, write } = createVolume();
  const umask = process.umask(0o077);
  try {
    write({ 'payments/stripe/key': 'sk' });
  } finally {
    process.umask(umask);
  }
  const data = join(volume, readlinkSync(join(volume, '..data')));
  assert.equal(modeOf(data), '555');
  assert.equal(modeOf(join(data, 'payments')), '555');
  assert.equal(modeOf(join(data, 'payments/stripe')), '555');
  assert.equal(modeOf(join(data, 'payments/stripe/key')), '444');
});

test('writing again replaces everything, and removes what is no longer there', () => {
  const { volume, write } = createVolume();
  write({ 'db/password': 'old', 'db/user': 'api', 'cache/key': 'x' });
  write({ 'db/password': 'new', 'stripe/key': 'sk' });
  assert.deepEqual(readTree(volume), { 'db/password': 'new', 'stripe/key': 'sk' });
  assert.equal(readdirSync(volume).length, 4);
});

test('a secret that turns from a directory into a file is the file', () => {
  const { volume, write } = createVolume();
  write({ 'db/x': '1' });
  write({ db: '2' });
  assert.deepEqual(readTree(volume), { db: '2' });
});

test('what a killed run left behind is removed before anything is written', () => {
  const { volume, write } = createVolume();
  write({ 'db/password': 'old' });
  mkdirSync(join(volume, '..2026_01_01_00_00_00.aB3dEf/db'), { recursive: true });
  writeFileSync(join(volume, '..2026_01_01_00_00_00.aB3dEf/db/password'), 'half');
  chmodSync(join(volume, '..2026_01_01_00_00_00.aB3dEf/db'), 0o555);
  symlinkSync('..data/gone', join(volume, 'gone'));
  symlinkSync('nowhere', join(volume, '..new'));
  write({ 'db/password': 'new' });
  assert.deepEqual(readTree(volume), { 'db/password': 'new' });
  assert.equal(readdirSync(volume).length, 3);
});

/** What a stranger may have put into the volume, and what has to become of it. */
const PLANTED: readonly (readonly [string, (volume: string, outside: string) => void])[] = [
  ['a link to a file outside in the place of a secret', (volume, outside) => symlinkSync(join(outside, 'etc/passwd'), join(volume, 'db'))],
  ['a link to a directory outside in the place of a secret', (volume, outside) => symlinkSync(join(outside, 'etc'), join(volume, 'db'))],
  ['a dangling link in the place of a secret', (volume, outside) => symlinkSync(join(outside, 'new'), join(volume, 'db'))],
  ['a link to a descriptor in the place of a secret', (volume) => symlinkSync('/proc/self/fd/1', join(volume, 'db'))],
  ['a file in the place of a secret', (volume) => writeFileSync(join(volume, 'db'), 'planted')],
  ['a directory in the place of a secret', (volume) => mkdirSync(join(volume, 'db/password/x'), { recursive: true })],
  ['a directory with a link outside in the place of a secret', (volume, outside) => {
    mkdirSync(join(volume, 'db'));
    symlinkSync(join(outside, 'etc'), join(volume, 'db/etc'));
    symlinkSync(join(outside, 'etc/passwd'), join(volume, 'db/password'));
  }],
  ['..data as a link outside', (volume, outside) => symlinkSync(join(outside, 'etc'), join(volume, '..data'))],
  ['..data as a dangling link', (volume) => symlinkSync('/nowhere', join(volume, '..data'))],
  ['..data as a directory', (volume, outside) => {
    mkdirSync(join(volume, '..data/db'), { recursive: true });
    symlinkSync(join(outside, 'etc/passwd'), join(volume, '..data/db/password'));
  }],
  ['..data as a file', (volume) => writeFileSync(join(volume, '..data'), 'planted')],
  ['..data as a link to itself', (volume) => symlinkSync('..data', join(volume, '..data'))],
  ['the temporary link as a link outside', (volume, outside) => symlinkSync(join(outside, 'etc'), join(volume, '..new'))],
  ['the temporary link as a directory', (volume) => mkdirSync(join(volume, '..new/x'), { recursive: true })],
  ['a version as a link outside', (volume, outside) => {
    symlinkSync(join(outside, 'etc'), join(volume, '..2026_01_01_00_00_00.aB3dEf'));
    symlinkSync('..2026_01_01_00_00_00.aB3dEf', join(volume, '..data'));
  }],
  ['an old version with a link outside', (volume, outside) => {
    mkdirSync(join(volume, '..2026_01_01_00_00_00.aB3dEf'));
    symlinkSync(join(outside, 'etc'), join(volume, '..2026_01_01_00_00_00.aB3dEf/db'));
  }],
]; // prettier-ignore

for (const [what, plant] of PLANTED) {
  test(`${what} changes nothing outside, and the files appear`, () => {
    const { outside, volume, write } = createVolume();
    plant(volume, outside);
    const before = hashTree(outside, volume);
    write({ 'db/password': 'hunter2' });
    assert.equal(hashTree(outside, volume), before);
    assert.deepEqual(readTree(volume), { 'db/password': 'hunter2' });
    assert.ok(lstatSync(join(volume, 'db')).isSymbolicLink());
    assert.ok(lstatSync(join(volume, '..data')).isSymbolicLink());
    assert.equal(readdirSync(volume).length, 3);
  });
}

test('what is neither ours nor in the way is left alone', () => {
  const { volume, write } = createVolume();
  writeFileSync(join(volume, 'notes'), 'mine');
  symlinkSync('notes', join(volume, 'link'));
  mkdirSync(join(volume, '..mine'));
  write({ 'db/password': 'hunter2' });
  assert.equal(readFileSync(join(volume, 'link'), 'utf8'), 'mine');
  assert.ok(existsSync(join(volume, '..mine')));
});

const HOSTILE_PATHS = [
  '',
  '.',
  '..',
  '../x',
  '/etc/x',
  'db/../../x',
  'db//x',
  'db/',
  '..data/x',
  '..new',
  './x',
  'db/..',
  'db/.',
];

for (const path of HOSTILE_PATHS) {
  test(`a path ${JSON.stringify(path)} is never written, should one get this far`, () => {
    const { outside, volume, write } = createVolume();
    const before = hashTree(outside, volume);
    assert.throws(() => write({ 'ok/a': '1', [path]: 'x' }));
    assert.equal(hashTree(outside, volume), before);
    assert.deepEqual(readdirSync(volume), []);
  });
}

test('when writing fails, what was there stays as it was and nothing half is left', () => {
  const { volume, write } = createVolume();
  write({ 'db/password': 'old' });
  const before = hashTree(volume, '');
  const names = readdirSync(volume);
  assert.throws(() => write({ 'db/password': 'new', [`db/${'x'.repeat(256)}`]: '' }));
  assert.deepEqual(readdirSync(volume), names);
  assert.equal(hashTree(volume, ''), before);
});

test('a volume that is not there is called that', () => {
  const { outside } = createVolume();
  assert.throws(() => writeFiles(join(outside, 'none'), build({ 'db/a': '' }), NOW), {
    reason: 'volume_not_writable',
    message: /ENOENT.*whoever runs Sotto has to find what changes the volume sotto-secrets/,
  });
});

test('any set of files is read back as it was, after any other', () => {
  const name = fc.stringMatching(/^[a-z0-9]([-.a-z0-9]{0,20}[a-z0-9])?$/);
  const key = fc
    .stringMatching(/^[-._a-zA-Z0-9]{1,20}$/)
    .filter((text) => text !== '.' && !text.startsWith('..'));
  const path = fc.oneof(
    fc.tuple(name, key).map(([secret, file]) => `s-${secret}/${file}`),
    fc.tuple(name, name, key).map(([namespace, secret, file]) => `n-${namespace}/${secret}/d-${file}`),
    name.map((secret) => `j-${secret}.json`),
  );
  const files = fc.dictionary(path, fc.string(), { minKeys: 1, noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(files, { minLength: 1, maxLength: 3 }), (rounds) => {
      const { volume, write } = createVolume();
      for (const round of rounds) write(round);
      const expected = Object.entries(rounds.at(-1) ?? {}).map(([file, text]) => [
        file,
        Buffer.from(text).toString('latin1'),
      ]);
      assert.deepEqual(readTree(volume), Object.fromEntries(expected));
    }),
    { numRuns: 30 },
  );
});
