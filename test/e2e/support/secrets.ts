import assert from 'node:assert/strict';
import { sotto } from './kubectl.ts';

/** Stores one key by `kubectl sotto put`, from standard input. `path` is `namespace/name/key`. */
export async function putSecret(
  path: string,
  value: string,
  readers: readonly string[] = ['api'],
): Promise<void> {
  const [namespace = '', name = '', key = ''] = path.split('/');
  const flags = readers.flatMap((reader) => ['--reader', reader]);
  const { code, stderr } = await sotto(['put', name, '-n', namespace, '--key', key, ...flags], value);
  assert.equal(code, 0, stderr);
}
