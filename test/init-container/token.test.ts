import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeBearer, readToken } from '../../init-container/token.ts';
import { buildToken, createMemoryDirectory, TOKEN } from './support/program.ts';

test('the token is read again each time, because the kubelet replaces it', () => {
  const directory = createMemoryDirectory();
  writeFileSync(join(directory, 'token'), `${TOKEN}\n`);
  assert.equal(readToken(directory), TOKEN);
  writeFileSync(join(directory, 'token'), 'new.token.x');
  assert.equal(readToken(directory), 'new.token.x');
});

test('a token that is missing, empty or not a token is called that, and not quoted', () => {
  const directory = createMemoryDirectory();
  const path = join(directory, 'token');
  assert.throws(() => readToken(directory), {
    reason: 'token_unreadable',
    message: /cannot be read \(ENOENT\)/,
  });
  for (const content of [
    '',
    '\n',
    'hunter2 hunter2',
    'hunter2\r\nx-evil: 1',
    'hunter2\0',
    'a'.repeat(20_000),
  ]) {
    writeFileSync(path, content);
    assert.throws(
      () => readToken(directory),
      ({ reason, message }: { reason: string; message: string }) =>
        reason === 'token_unreadable' && !message.includes('hunter2'),
    );
  }
  rmSync(path);
  mkdirSync(path);
  assert.throws(() => readToken(directory), { message: /EISDIR/ });
});

test('the bearer is named as the token claims', () => {
  assert.equal(describeBearer(TOKEN), 'service account shop/api');
});

test('a token without a readable subject names nobody', () => {
  const subjects = [
    'system:node:n1',
    'system:serviceaccount:a',
    'system:serviceaccount:a:b:c',
    7,
    'system:serviceaccount:A:\n',
  ];
  const tokens = ['', 'opaque', 'a.b.c', 'a.bnVsbA.c', ...subjects.map((sub) => buildToken({ sub }))];
  for (const token of tokens) assert.equal(describeBearer(token), "the pod's service account");
});
