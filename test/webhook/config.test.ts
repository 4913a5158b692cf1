import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAFE_HOST } from '../../shared/names.ts';
import { parseConfig } from '../../webhook/config.ts';

const image = 'registry.example:5000/sotto/sotto@sha256:0123456789abcdef';

test('the image is the only thing that must be said', () => {
  assert.deepEqual(
    parseConfig({ SOTTO_IMAGE: image, PATH: '/usr/bin', KUBERNETES_SERVICE_HOST: '10.0.0.1' }),
    {
      image,
      imagePullPolicy: undefined,
      tlsDirectory: '/etc/sotto/tls',
      port: 8443,
      probePort: 9090,
      safeHost: SAFE_HOST,
    },
  );
});

test('everything else can be said', () => {
  const env = {
    SOTTO_IMAGE: image,
    SOTTO_IMAGE_PULL_POLICY: 'Never',
    SOTTO_TLS_DIRECTORY: '/tls',
    SOTTO_PORT: '10250',
    SOTTO_PROBE_PORT: '8080',
    SOTTO_SAFE_HOST: 'safe.example',
  };
  assert.deepEqual(parseConfig(env), {
    image,
    imagePullPolicy: 'Never',
    tlsDirectory: '/tls',
    port: 10250,
    probePort: 8080,
    safeHost: 'safe.example',
  });
});

test('every variable that is missing, wrong or unknown is named at once, and no value is repeated', () => {
  const env = {
    SOTTO_IMAGE_PULL_POLICY: 'Sometimes',
    SOTTO_TLS_DIRECTORY: 'canary/tls',
    SOTTO_PORT: '65536',
    SOTTO_PROBE_PORT: '0',
    SOTTO_SAFE_HOST: 'https://canary',
    SOTTO_IMGAE: 'canary',
  };
  assert.throws(() => parseConfig(env), {
    code: 'invalid_request',
    message: [
      'SOTTO_IMAGE is missing',
      'SOTTO_IMAGE_PULL_POLICY must be one of IfNotPresent, Always, Never',
      'SOTTO_TLS_DIRECTORY must be an absolute path',
      'SOTTO_PORT must be a port, 1 to 65535',
      'SOTTO_PROBE_PORT must be a port, 1 to 65535',
      'SOTTO_SAFE_HOST must be a DNS-1123 subdomain',
      'SOTTO_IMGAE is not a known field',
    ].join('; '),
  });
});

test('an image is a reference, not a text', () => {
  for (const text of ['', ' ', 'a b', '-x', 'a\nb', 'x'.repeat(513), '$(IMAGE)']) {
    assert.throws(() => parseConfig({ SOTTO_IMAGE: text }), /SOTTO_IMAGE must be an image reference/);
  }
});

test('the variables that Kubernetes makes for the Services beside us are not ours', () => {
  const links = {
    SOTTO_SAFE_SERVICE_HOST: '10.0.0.1',
    SOTTO_SAFE_SERVICE_PORT: '8443',
    SOTTO_SAFE_SERVICE_PORT_HTTPS: '8443',
    SOTTO_SAFE_PORT: 'tcp://10.0.0.1:8443',
    SOTTO_SAFE_PORT_8443_TCP: 'tcp://10.0.0.1:8443',
    SOTTO_SAFE_PORT_8443_TCP_PROTO: 'tcp',
    SOTTO_SAFE_PORT_8443_TCP_PORT: '8443',
    SOTTO_SAFE_PORT_8443_TCP_ADDR: '10.0.0.1',
    SOTTO_WEBHOOK_SERVICE_HOST: '10.0.0.2',
    SOTTO_WEBHOOK_PORT: 'tcp://10.0.0.2:443',
  };
  assert.equal(parseConfig({ SOTTO_IMAGE: image, ...links }).port, 8443);
  assert.throws(
    () => parseConfig({ SOTTO_IMAGE: image, SOTTO_SAFE_PORT: '8443' }),
    /SOTTO_SAFE_PORT is not a known field/,
  );
});
