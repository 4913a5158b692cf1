import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearerToken, createIdentify, type TokenVerdict } from '../../safe/identity.ts';
import { AppError, type ErrorCode } from '../../shared/errors.ts';

const code = (expected: ErrorCode) => (error: unknown) =>
  error instanceof AppError && error.code === expected;

const verdict = (changes: Partial<TokenVerdict> = {}): TokenVerdict => ({
  authenticated: true,
  audiences: ['safe.sotto.dev'],
  user: {
    username: 'system:serviceaccount:shop:api',
    uid: 'u1',
    groups: ['system:serviceaccounts'],
    extra: {
      'authentication.kubernetes.io/pod-name': ['api-1'],
      'authentication.kubernetes.io/pod-uid': ['p1'],
      'authentication.kubernetes.io/node-name': ['node'],
      'authentication.kubernetes.io/credential-id': ['JTI=1'],
    },
  },
  ...changes,
});

function counted(answer: () => Promise<TokenVerdict>) {
  const asked: { token: string; audience: string }[] = [];
  let now = 0;
  const identify = createIdentify(
    (token, audience) => {
      asked.push({ token, audience });
      return answer();
    },
    () => now,
  );
  return { asked, identify, wait: (ms: number) => (now += ms) };
}

test('identity is what the API server says: namespace, service account, pod, node and credential', async () => {
  const { identify, asked } = counted(() => Promise.resolve(verdict()));
  const { user, ...identity } = await identify('token');
  assert.deepEqual(identity, {
    namespace: 'shop',
    serviceAccount: 'api',
    pod: { name: 'api-1', uid: 'p1' },
    node: 'node',
    credentialId: 'JTI=1',
  });
  assert.equal(user.uid, 'u1');
  assert.deepEqual(asked, [{ token: 'token', audience: 'safe.sotto.dev' }]);
});

test('a token that is not authenticated, or whose audience the API server does not confirm, is refused', async () => {
  for (const answer of [
    verdict({ authenticated: false }),
    verdict({ audiences: [] }),
    verdict({ audiences: ['https://kubernetes.default.svc'] }),
  ]) {
    await assert.rejects(counted(() => Promise.resolve(answer)).identify('token'), code('unauthenticated'));
  }
});

test('whoever is no service account is refused, however the name is spelt', async () => {
  for (const username of [
    'admin',
    'system:node:node',
    'system:serviceaccount:shop',
    'system:serviceaccount:a:b:c',
    'x system:serviceaccount:a:b',
  ]) {
    const { identify } = counted(() => Promise.resolve(verdict({ user: { ...verdict().user, username } })));
    await assert.rejects(identify('token'), code('unauthenticated'));
  }
});

test('a verdict, good or bad, is remembered for ten seconds and not longer', async () => {
  for (const authenticated of [true, false]) {
    const { identify, asked, wait } = counted(() => Promise.resolve(verdict({ authenticated })));
    const ask = () => identify('token').catch(() => undefined);
    await ask();
    wait(9_999);
    await ask();
    assert.equal(asked.length, 1);
    wait(1);
    await ask();
    assert.equal(asked.length, 2);
  }
});

test('one token in flight many times is asked about once', async () => {
  const { identify, asked } = counted(() => Promise.resolve(verdict()));
  await Promise.all(Array.from({ length: 50 }, () => identify('token')));
  assert.equal(asked.length, 1);
});

test('an API server that does not answer is not the caller’s fault, and is asked again next time', async () => {
  const { identify, asked } = counted(() => Promise.reject(new Error('connection refused; token=canary')));
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      identify('token'),
      (error: Error) => code('unavailable')(error) && !error.message.includes('canary'),
    );
  }
  assert.equal(asked.length, 2);
});

test('exactly one well-formed bearer header is a token', () => {
  assert.equal(bearerToken(['Host', 'x', 'Authorization', 'Bearer a.b-c_d']), 'a.b-c_d');
  for (const headers of [
    [],
    ['Authorization', 'Basic abc'],
    ['Authorization', 'Bearer '],
    ['Authorization', 'Bearer a b'],
    ['authorization', 'Bearer a', 'Authorization', 'Bearer b'],
    ['X-Authorization', 'Bearer a'],
    ['X', 'authorization', 'Bearer a', 'y'],
  ]) {
    assert.throws(() => bearerToken(headers), code('unauthenticated'));
  }
});
