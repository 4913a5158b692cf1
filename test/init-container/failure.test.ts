import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asFailure, EXIT_CODES, Failure } from '../../init-container/failure.ts';

test('the exit codes are the ones that were promised', () => {
  assert.deepEqual(EXIT_CODES, {
    internal: 1,
    configuration_invalid: 20,
    configuration_newer: 21,
    environment_refused: 22,
    safe_unreachable: 30,
    dns_failed: 31,
    certificate_not_trusted: 32,
    safe_unavailable: 33,
    answer_invalid: 34,
    token_unreadable: 40,
    token_refused: 41,
    secret_missing: 43,
    request_refused: 44,
    secret_not_representable: 45,
    volume_full: 50,
    volume_not_writable: 51,
    volume_not_in_memory: 52,
    stopped: 143,
  });
  assert.equal(new Set(Object.values(EXIT_CODES)).size, Object.keys(EXIT_CODES).length);
});

test('a bug is told by its class and place, never by its message, which may hold a value', () => {
  const { reason, message } = asFailure(new RangeError('hunter2 is out of range'));
  assert.equal(reason, 'internal');
  assert.match(message, /^bug in sotto-init: RangeError at .*failure\.test\.ts:\d+:\d+\)?; please report it/);
  assert.ok(!message.includes('hunter2'));
  for (const thrown of [undefined, 'hunter2', { hunter2: 1 }]) {
    assert.ok(!asFailure(thrown).message.includes('hunter2'));
  }
});

test('a failure stays what it is', () => {
  const failure = new Failure('volume_full', 'full');
  assert.equal(asFailure(failure), failure);
});
