import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isDnsLabel, isDnsSubdomain, isSecretKey, parseSecretReference } from '../../shared/grammar.ts';

const anyText = fc.string({
  unit: fc.constantFrom('a', 'z', '0', '-', '.', '_', 'A', '/', 'é', ' ', '\n', '\0'),
});

test('names are exactly those that Kubernetes itself would take', () => {
  for (const good of ['a', 'a-b', '0a', 'a'.repeat(63)]) assert.ok(isDnsLabel(good), good);
  for (const bad of ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a\n', 'a'.repeat(64), 'а'])
    assert.ok(!isDnsLabel(bad), bad);
  for (const good of ['a', 'a.b', 'a-b.c', `${'a'.repeat(251)}.b`]) assert.ok(isDnsSubdomain(good), good);
  for (const bad of ['', '.', 'a.', '.a', 'a..b', 'A', 'a/b', 'a\n', 'a'.repeat(254)])
    assert.ok(!isDnsSubdomain(bad), bad);
});

test('a key is one path segment that cannot climb, hide or end a line', () => {
  for (const good of ['password', '.env', 'a..b', 'A_b-c.d', 'a'.repeat(253)])
    assert.ok(isSecretKey(good), good);
  for (const bad of ['', '.', '..', '..data', '...', 'a/b', 'a b', 'a\n', 'a\0', 'é', 'a'.repeat(254)])
    assert.ok(!isSecretKey(bad), bad);
});

test('whatever the text, a reference that is accepted is spelt by its parts and nothing else', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const reference = parseSecretReference(text, 'shop');
      if (reference === undefined) return;
      assert.ok(text === reference.name || text === `${reference.namespace}/${reference.name}`);
      assert.ok(isDnsLabel(reference.namespace) && isDnsSubdomain(reference.name));
    }),
  );
});
