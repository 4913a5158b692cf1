import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'fast-json-patch';
import { append, pointer } from '../../../webhook/inject/pointer.ts';

test('a slash in a segment becomes ~1 and a tilde ~0', () => {
  assert.equal(pointer('metadata', 'annotations', 'a/b~c'), '/metadata/annotations/a~1b~0c');
  assert.equal(pointer('spec', 'containers', 3), '/spec/containers/3');
});

test('a pointer finds what its segments name, whatever they hold', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().filter((key) => key !== '__proto__'),
        { minLength: 1, maxLength: 4 },
      ),
      (keys) => {
        const document = keys.reduceRight<unknown>(
          (value, key) => Object.fromEntries([[key, value]]),
          'found',
        );
        assert.equal(jsonpatch.getValueByPointer(document, pointer(...keys)), 'found');
      },
    ),
  );
});

test('a missing list is made, one that is there is added to, and nothing is no operation', () => {
  assert.deepEqual(append('/a', undefined, [1, 2]), [{ op: 'add', path: '/a', value: [1, 2] }]);
  assert.deepEqual(append('/a', null, [1]), [{ op: 'add', path: '/a', value: [1] }]);
  assert.deepEqual(append('/a', [], [1, 2]), [
    { op: 'add', path: '/a/-', value: 1 },
    { op: 'add', path: '/a/-', value: 2 },
  ]);
  assert.deepEqual(append('/a', undefined, []), []);
});
