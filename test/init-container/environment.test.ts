import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEnvironment } from '../../init-container/environment.ts';

const VARIABLES = [
  'NODE_OPTIONS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_EXTRA_CA_CERTS',
  'NODE_DEBUG',
  'OPENSSL_CONF',
];

for (const name of VARIABLES) {
  test(`${name} is refused by its name, whatever it says`, () => {
    for (const value of ['', 'hunter2']) {
      assert.throws(() => checkEnvironment({ [name]: value }, []), {
        reason: 'environment_refused',
        message: new RegExp(`^environment variable ${name} is set in the container sotto-init`),
      });
    }
  });
}

for (const flag of [
  '--inspect',
  '--inspect-brk=0.0.0.0:1',
  '--require',
  '-r',
  '--tls-keylog=/tmp/x',
  '--import=./evil.js',
]) {
  test(`the flag ${flag} is refused`, () => {
    assert.throws(() => checkEnvironment({}, ['--no-addons', flag]), {
      reason: 'environment_refused',
      message: new RegExp(`^flag ${flag.replace(/=.*/, '')} is set`),
    });
  });
}

test('variables that others add to every container do no harm', () => {
  const env = {
    NODE_NAME: 'node-1',
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
    HTTPS_PROXY: 'http://proxy',
    PATH: '/bin',
  };
  checkEnvironment(env, ['--disable-sigusr1', '--no-addons']);
});
