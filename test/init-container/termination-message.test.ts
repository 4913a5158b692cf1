import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatLine } from '../../init-container/termination-message.ts';

test('a message is one line', () => {
  assert.equal(formatLine('a\r\nb\x1b[2Jc\0'), 'a b [2Jc ');
});

test('a message is cut to what the kubelet reads, between two characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      const line = formatLine(text.repeat(5000));
      assert.ok(Buffer.byteLength(line) <= 4096);
      assert.ok(Buffer.byteLength(line) > 4092 - 4 || text.repeat(5000) === line);
      assert.ok(!line.includes('\uFFFD') || text.includes('\uFFFD'));
    }),
    { numRuns: 50 },
  );
});
