import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeFailure, isDeeper } from '../../shared/http.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

test('depth is counted as a walk of the parsed document would count it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const json = JSON.stringify(value);
      for (let levels = 0; levels < 8; levels++)
        assert.equal(isDeeper(json, levels), depthOf(value) > levels);
    }),
  );
});

test('brackets, quotes and backslashes inside strings are no levels', () => {
  for (const text of ['[[[[', '"', '\\', '\\"[', '{"', 'a\\\\']) {
    assert.equal(isDeeper(JSON.stringify([text]), 1), false);
  }
});

test('what is logged of an unexpected error is its class and place, not its words', () => {
  const described = describeFailure(new TypeError('canary'));
  assert.equal(described.name, 'TypeError');
  assert.match(described.at, /http\.test\.ts/);
  assert.ok(!JSON.stringify(described).includes('canary'));
  assert.deepEqual(describeFailure('canary'), { name: 'not_an_error', code: '', at: '' });
});
