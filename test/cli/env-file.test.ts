import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile } from '../../cli/env-file.ts';
import { Failure } from '../../cli/failure.ts';

const parse = (text: string | Buffer, environment: Readonly<Record<string, string>> = {}) =>
  parseEnvFile(Buffer.from(text), 'FILE', (name) => environment[name]).map(
    ([key, value]) => [key, value.toString()] as const,
  );

test('everything after the first "=" is the value, with its quotes and blanks', () => {
  assert.deepEqual(parse('A=1\nB=a=b\nC="x y" \nD=\n'), [
    ['A', '1'],
    ['B', 'a=b'],
    ['C', '"x y" '],
    ['D', ''],
  ]);
});

test('blank lines, comments, white space before the key, CRLF and a byte order mark are skipped', () => {
  assert.deepEqual(parse('\uFEFFA=1\r\n\r\n  # note\n\t\u00A0B=2\r\n'), [
    ['A', '1'],
    ['B', '2'],
  ]);
});

test('a line without "=" stands for the environment variable of that name, which must be set', () => {
  assert.deepEqual(parse('TOKEN', { TOKEN: 't' }), [['TOKEN', 't']]);
  assert.throws(() => parse('A=1\nTOKEN'), {
    message: 'FILE, line 2: there is no "=", and no environment variable of that name',
  });
});

test('a line that is wrong is named by its number alone', () => {
  const wrong: readonly (readonly [string | Buffer, string])[] = [
    ['A=1\nexport B=Canary', 'FILE, line 2: what is before "=" is not the name of a variable'],
    ['Canary Canary', 'FILE, line 1: what is before "=" is not the name of a variable'],
    ['1A=Canary', 'FILE, line 1: what is before "=" is not the name of a variable'],
    ['..A=Canary', 'FILE, line 1: what is before "=" is not the name of a variable'],
    ['=Canary', 'FILE, line 1: what is before "=" is not the name of a variable'],
    [Buffer.from([0x41, 0x3d, 0x0a, 0xff, 0x0a]), 'FILE, line 2: not valid UTF-8'],
  ];
  for (const [text, message] of wrong)
    assert.throws(() => parse(text), { name: 'Failure', kind: 'usage', message });
});

test('a line of more than 64 KiB does not end the file', () => {
  const long = 'x'.repeat(100_000);
  assert.deepEqual(parse(`A=${long}\nB=2`), [
    ['A', long],
    ['B', '2'],
  ]);
});

test('whatever a file holds, it is read, or refused with a sentence that holds nothing of it', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (noise) => {
      try {
        parse(Buffer.concat([Buffer.from('A=1\n'), noise, Buffer.from('Canary7f3a')]));
      } catch (error) {
        assert.ok(error instanceof Failure);
        assert.match(error.message, /^FILE, line \d+: [a-z "=,8FTU-]+$/);
      }
    }),
  );
});
