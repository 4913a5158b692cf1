import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readPath } from '../../cli/read-path.ts';
import { readValues, type ValuePorts, type ValueSources } from '../../cli/read-values.ts';
import { revealed } from '../support/secrets.ts';
import { tempDir } from '../support/temp-dir.ts';

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part));
}

const ports = (bytes: AsyncIterable<Uint8Array> = chunks()): ValuePorts => ({
  stdin: { bytes },
  readPath,
  readVariable: () => undefined,
});

const read = async (sources: ValueSources, from = ports()) => {
  const { data, warnings } = await readValues(sources, from);
  return { data: revealed(data), warnings };
};

const refuses = (sources: ValueSources, message: string | RegExp, from = ports()) =>
  assert.rejects(readValues(sources, from), { name: 'Failure', kind: 'usage', message });

function files(t: TestContext, contents: Readonly<Record<string, string>>): string {
  const directory = tempDir(t);
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(directory, name), text);
  return directory;
}

test('standard input is stored byte for byte', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 0xc3]);
  const { data } = await readValues({ key: 'k' }, ports(chunks(bytes, 'x')));
  assert.deepEqual(Buffer.from(data.get('k')?.reveal() ?? []), Buffer.concat([bytes, Buffer.from('x')]));
});

test('a newline at the end of standard input is kept, and warned about by the name of the key', async () => {
  const { data, warnings } = await read({ key: 'password' }, ports(chunks('Hunter2\n')));
  assert.deepEqual(data, { password: 'Hunter2\n' });
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /^password was stored with the newline at its end; .* printf %s instead of echo$/,
  );
  assert.doesNotMatch(warnings.join(), /Hunter2/);
});

test('a newline at the end of a file is nothing to warn about', async (t) => {
  const directory = files(t, { 'tls.crt': 'PEM\n' });
  const { data, warnings } = await read({ fromFile: [join(directory, 'tls.crt')] });
  assert.deepEqual({ data, warnings }, { data: { 'tls.crt': 'PEM\n' }, warnings: [] });
});

test('empty standard input is refused, because the command before the pipe may have failed', async () => {
  await refuses({ key: 'k' }, /^standard input is empty, so nothing was stored/);
});

test('a file is stored under its own name, or under the key that is given', async (t) => {
  const directory = files(t, { a: '1', b: '2' });
  assert.deepEqual((await read({ fromFile: [join(directory, 'a'), `key=${join(directory, 'b')}`] })).data, {
    a: '1',
    key: '2',
  });
});

test('a directory gives its regular files, and neither links nor folders', async (t) => {
  const directory = files(t, { b: '2', a: '1' });
  mkdirSync(join(directory, 'folder'));
  symlinkSync(join(directory, 'a'), join(directory, 'link'));
  assert.deepEqual((await read({ fromFile: [directory] })).data, { a: '1', b: '2' });
});

test('--key and --from-file go together; a key that is given twice is refused', async (t) => {
  const path = join(files(t, { user: 'u' }), 'user');
  assert.deepEqual((await read({ key: 'k', fromFile: [path] }, ports(chunks('v')))).data, {
    user: 'u',
    k: 'v',
  });
  await refuses({ key: 'user', fromFile: [path] }, 'the key user is given twice', ports(chunks('v')));
});

test('several env files are read one after the other', async (t) => {
  const directory = files(t, { a: 'A=1\n', b: 'B=2\n' });
  const fromEnvFile = [join(directory, 'a'), join(directory, 'b')];
  assert.deepEqual((await read({ fromEnvFile })).data, { A: '1', B: '2' });
});

test('--from-env-file goes with neither of the others, as with kubectl', async () => {
  const message = '--from-env-file cannot be combined with --from-file or --key';
  await refuses({ fromEnvFile: ['a'], key: 'k' }, message);
  await refuses({ fromEnvFile: ['a'], fromFile: ['b'] }, message);
});

test('without a source the three ways to give a value are named', async () => {
  await refuses({}, /^where is the value\? Give --key KEY .* or --from-file, or --from-env-file$/);
});

test('a source that cannot be read is named by its position, never by what was given as its path', async (t) => {
  const directory = files(t, { 'bad name': 'x' });
  const cases: readonly (readonly [ValueSources, RegExp])[] = [
    [
      { fromFile: ['Canary'] },
      /^--from-file number 1: there is no such file. The option takes the path of a file, never a value$/,
    ],
    [{ fromFile: ['password=Canary'] }, /^--from-file number 1: there is no such file/],
    [{ fromFile: ['=Canary'] }, /^--from-file number 1 must be PATH or KEY=PATH$/],
    [{ fromFile: ['Canary='] }, /^--from-file number 1 must be PATH or KEY=PATH$/],
    [{ fromFile: ['a=b=Canary'] }, /^--from-file number 1: neither the key nor the path may contain "="$/],
    [{ fromFile: [join(directory, 'bad name')] }, /^--from-file number 1: the key must be of A-Z/],
    [{ fromFile: [directory] }, /^--from-file number 1, a file of the directory: the key must be/],
    [{ fromFile: [`key=${directory}`] }, /^--from-file number 1: a directory takes no key/],
    [{ fromEnvFile: ['Canary'] }, /^--from-env-file number 1: there is no such file/],
    [{ fromEnvFile: [directory] }, /^--from-env-file number 1 is a directory$/],
  ];
  for (const [sources, message] of cases) {
    await refuses(sources, message);
    assert.doesNotMatch(message.source, /Canary/);
  }
});

test('an empty directory is refused: a secret needs a key', async (t) => {
  await refuses({ fromFile: [tempDir(t)] }, /^there is no key in what was given/);
});

test('more than 1 MiB is refused before it is sent, also from a source without an end', async (t) => {
  const refusedAsTooLarge = {
    name: 'Failure',
    kind: 'refused',
    message: /^the secret is larger than 1048576 bytes/,
  };
  await assert.rejects(read({ fromFile: ['k=/dev/zero'] }), refusedAsTooLarge);
  await assert.rejects(read({ key: 'k' }, ports(chunks(Buffer.alloc(1_048_577)))), refusedAsTooLarge);
  const half = 'x'.repeat(600_000);
  const directory = files(t, { a: half, b: half });
  await assert.rejects(read({ fromFile: [directory] }), refusedAsTooLarge);
  await assert.rejects(read({ fromFile: [join(directory, 'a'), join(directory, 'b')] }), refusedAsTooLarge);
});

test('a secret of exactly 1 MiB, keys included, is read', async () => {
  const { data } = await readValues({ key: 'k' }, ports(chunks(Buffer.alloc(1_048_575))));
  assert.equal(data.size, 1);
});
