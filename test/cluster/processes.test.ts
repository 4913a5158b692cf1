import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isRunning, parseStartTime, readIdentity, signalProcess } from './processes.ts';

const rest = '1 4242 4242 0 -1 4194560 100 0 0 0 5 6 0 0 20 0 1 0 987654 1000 200 18446744073709551615 1';

test('the start time is found whatever the name of the program looks like', () => {
  assert.equal(parseStartTime(`4242 (sleep) S ${rest}`), 987654);
  assert.equal(parseStartTime(`4242 (a b) S) R 1 (c) S ${rest}`), 987654);
});

test('a zombie is not a process that has to be stopped', () => {
  assert.equal(parseStartTime(`4242 (sleep) Z ${rest}`), undefined);
});

test('what is not the text of a stat file has no start time', () => {
  assert.equal(parseStartTime(''), undefined);
});

test(
  'a process that got the pid of one that has ended is never signalled',
  { skip: process.platform !== 'linux' },
  async () => {
    const stranger = spawn('sleep', ['60']);
    const pid = stranger.pid ?? assert.fail();
    const identity = readIdentity(pid) ?? assert.fail();
    const predecessor = { pid, startTime: identity.startTime - 1 };

    signalProcess(predecessor, 'SIGKILL');
    assert.equal(isRunning(predecessor), false);
    assert.equal(isRunning(identity), true);

    signalProcess(identity, 'SIGKILL');
    await once(stranger, 'exit');
    assert.equal(isRunning(identity), false);
  },
);
