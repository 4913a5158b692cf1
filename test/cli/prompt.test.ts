import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { promptForValue, type Terminal } from '../../cli/prompt.ts';

interface FakeTerminal extends Terminal {
  readonly written: string[];
  readonly modes: boolean[];
}

function fakeTerminal(...typed: readonly (string | Uint8Array)[]): FakeTerminal {
  const written: string[] = [];
  const modes: boolean[] = [];
  return {
    written,
    modes,
    keys: (async function* () {
      for (const chunk of typed) yield await Promise.resolve(Buffer.from(chunk));
    })(),
    setRawMode: (on) => modes.push(on),
    write: (text) => written.push(text),
  };
}

const ask = async (...typed: readonly (string | Uint8Array)[]) => {
  const terminal = fakeTerminal(...typed);
  return { value: (await promptForValue(terminal, 'password')).toString(), terminal };
};

test('the value is asked for twice and nothing of it is shown', async () => {
  const { value, terminal } = await ask('hun', 'ter2\r', 'hunter2\r');
  assert.equal(value, 'hunter2');
  assert.equal(terminal.written.join(''), 'password: \npassword (again): \n');
  assert.deepEqual(terminal.modes, [true, false]);
});

test('what is typed or pasted ahead answers the second question', async () => {
  assert.equal((await ask('hunter2\rhunter2\r')).value, 'hunter2');
});

test('the bytes are kept as the terminal sends them, valid UTF-8 or not', async () => {
  const printable = fc.integer({ min: 0x20, max: 0xff }).filter((byte) => byte !== 0x7f);
  await fc.assert(
    fc.asyncProperty(fc.array(printable, { minLength: 1 }), async (bytes) => {
      const line = Buffer.from([...bytes, 0x0d]);
      const value = await promptForValue(fakeTerminal(line, line), 'k');
      assert.deepEqual([...value], bytes);
    }),
  );
});

test('backspace takes back one character, also one of several bytes, and Ctrl-U all of them', async () => {
  assert.equal((await ask('axé\u007f\u007fb\r', 'ab\r')).value, 'ab');
  assert.equal((await ask('wrong\u0015\u007fab\n', 'ab\n')).value, 'ab');
});

test('two different values are refused, and neither is shown', async () => {
  await assert.rejects(ask('Canary1\r', 'Canary2\r'), {
    kind: 'usage',
    message: 'what was typed the second time is different; nothing was stored',
  });
});

test('nothing typed is refused', async () => {
  await assert.rejects(ask('\r', '\r'), { kind: 'usage', message: /^nothing was typed/ });
});

test('Ctrl-C, and a terminal that goes away, end it as an interruption', async () => {
  await assert.rejects(ask('hunt\u0003'), {
    kind: 'interrupted',
    message: 'interrupted; nothing was stored',
  });
  await assert.rejects(ask('hunt'), {
    kind: 'interrupted',
    message: 'the terminal was closed; nothing was stored',
  });
});

test('an arrow key is refused instead of ending up in the value unseen', async () => {
  await assert.rejects(ask('hunt\u001b[D'), { kind: 'usage', message: /^a control key such as an arrow/ });
});

test('the terminal is put back whatever happens', async () => {
  const terminal = fakeTerminal('\u0003');
  await assert.rejects(promptForValue(terminal, 'k'));
  assert.deepEqual(terminal.modes, [true, false]);
});
