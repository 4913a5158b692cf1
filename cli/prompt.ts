import { Failure } from './failure.ts';

/** A terminal with a keyboard. */
export interface Terminal {
  /** What is typed, as it arrives. */
  readonly keys: AsyncIterable<Uint8Array>;
  /** Raw mode: no echo, no line editing, no signals by key. */
  setRawMode(on: boolean): void;
  write(text: string): void;
}

/**
 * Asks twice for a value and shows nothing of it. The bytes are kept as the terminal sends them.
 *
 * @throws Failure `interrupted` for Ctrl-C; `usage` when nothing was typed, when the two differ, or for keys such as
 * the arrows, which would end up in the value unseen.
 */
export async function promptForValue(terminal: Terminal, label: string): Promise<Buffer> {
  const lines = readLines(terminal.keys);
  const ask = async (question: string) => {
    terminal.write(`${question}: `);
    const answer = await lines.next().finally(() => terminal.write('\n'));
    if (answer.done === true) throw new Failure('interrupted', 'the terminal was closed; nothing was stored');
    return answer.value;
  };
  terminal.setRawMode(true);
  try {
    return checkSame(await ask(label), await ask(`${label} (again)`));
  } finally {
    terminal.setRawMode(false);
    await lines.return(undefined);
  }
}

/** Lines as they are typed; what was typed ahead is the beginning of the next one. */
async function* readLines(keys: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let line: readonly number[] = [];
  for await (const chunk of keys) {
    for (const byte of chunk) {
      const next = typeKey(line, byte);
      if (next === 'enter') yield Buffer.from(line);
      line = next === 'enter' ? [] : next;
    }
  }
}

function checkSame(first: Buffer, second: Buffer): Buffer {
  if (!first.equals(second)) {
    throw new Failure('usage', 'what was typed the second time is different; nothing was stored');
  }
  if (first.length === 0) {
    throw new Failure(
      'usage',
      'nothing was typed, and nothing was stored; to store an empty value: --from-file=KEY=/dev/null',
    );
  }
  return first;
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_H = 0x08;
const TAB = 0x09;
const CTRL_U = 0x15;
const DELETE = 0x7f;

/** The line after one more byte of typing. */
function typeKey(line: readonly number[], byte: number): readonly number[] | 'enter' {
  switch (byte) {
    case CTRL_C:
      throw new Failure('interrupted', 'interrupted; nothing was stored');
    case CTRL_D:
    case 0x0a:
    case 0x0d:
      return 'enter';
    case DELETE:
    case CTRL_H:
      return withoutLastCharacter(line);
    case CTRL_U:
      return [];
    default:
      if (byte < 0x20 && byte !== TAB) {
        throw new Failure(
          'usage',
          'a control key such as an arrow was pressed; nothing was stored. Use --from-file for such a value',
        );
      }
      return [...line, byte];
  }
}

/** One character is one to four bytes of UTF-8; all but the first begin with the bits 10. */
function withoutLastCharacter(line: readonly number[]): number[] {
  const start = line.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  return line.slice(0, Math.max(0, start));
}
