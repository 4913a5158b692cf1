import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildLayout } from './layout.ts';

test('a name that could lead out of the directory of clusters is refused', () => {
  for (const name of ['', '..', 'a/b', 'A', '-a', 'a-', 'a.b', 'a b', 'a'.repeat(31)]) {
    assert.throws(() => buildLayout(name), /lower-case DNS label/, JSON.stringify(name));
  }
  assert.equal(buildLayout('e2e-1').directory, '/var/lib/sotto-cluster/e2e-1');
});
