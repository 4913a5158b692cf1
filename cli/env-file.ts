import { isSecretKey } from '../shared/grammar.ts';
import { Failure } from './failure.ts';

/** Looks up a variable of the environment: a line without `=` stands for the variable of that name. */
export type ReadVariable = (name: string) => string | undefined;

/**
 * Reads `KEY=value` lines with the grammar of `kubectl create secret generic --from-env-file` (`k8s.io/kubectl`
 * `pkg/cmd/util/env_file.go`): blank lines and lines that begin with `#` are skipped, white space before the key is
 * dropped, everything after the first `=` is the value, quotes and trailing blanks included.
 *
 * Two differences, because each would store an empty or shortened secret in silence: a line without `=` whose variable
 * is not set is refused, and a line of more than 64 KiB does not end the file.
 *
 * @throws Failure `usage` with `label` and the number of the line. Never with anything that the line holds.
 */
export function parseEnvFile(content: Buffer, label: string, readVariable: ReadVariable): [string, Buffer][] {
  const fail = (index: number, problem: string) =>
    new Failure('usage', `${label}, line ${index + 1}: ${problem}`);
  return splitLines(content).flatMap((bytes, index) => {
    const line = decode(bytes);
    if (line === undefined) throw fail(index, 'not valid UTF-8');
    const text = (index === 0 ? line.replace(/^\uFEFF/, '') : line).replace(/^\p{White_Space}+/u, '');
    if (text === '' || text.startsWith('#')) return [];
    const equals = text.indexOf('=');
    const key = equals === -1 ? text : text.slice(0, equals);
    if (!isVariableName(key)) throw fail(index, 'what is before "=" is not the name of a variable');
    const value = equals === -1 ? readVariable(key) : text.slice(equals + 1);
    if (value === undefined) throw fail(index, 'there is no "=", and no environment variable of that name');
    return [[key, Buffer.from(value)]];
  });
}

const isVariableName = (key: string) => isSecretKey(key) && !/^\d/.test(key);

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Lines end with `\n` or `\r\n`. The bytes stay bytes: a file that is not UTF-8 is found line by line. */
function splitLines(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length;) {
    const newline = content.indexOf(NEWLINE, start);
    const end = newline === -1 ? content.length : newline;
    const isCrLf = end > start && content[end - 1] === CARRIAGE_RETURN;
    lines.push(content.subarray(start, isCrLf ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // the decoder's TypeError says no more than that
  }
}
