import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../webhook/nearest.ts';

const words = ['inject', 'secrets', 'format', 'mount-path'];

test('a word of up to two slips is recognised, also by its beginning and whatever its case', () => {
  assert.equal(nearest('scerets', words), 'secrets');
  assert.equal(nearest('FORMAT', words), 'format');
  assert.equal(nearest('injection', words), 'inject');
  assert.equal(nearest('mount', words), 'mount-path');
});

test('a word like none of them is not', () => {
  assert.equal(nearest('image', words), undefined);
  assert.equal(nearest('', words), undefined);
  assert.equal(nearest('x', words), undefined);
});
