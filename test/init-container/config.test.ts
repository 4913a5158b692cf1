import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type Config } from '../../init-container/config.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { buildConfig } from './support/program.ts';

const { ca } = await createTestAuthority();

const parse = (document: unknown, SOTTO_CA: string = ca): Config =>
  parseConfig({ SOTTO_CONFIG: JSON.stringify(document), SOTTO_CA });

test('what the webhook writes is understood', () => {
  const config = parse(
    buildConfig(8443, {
      secrets: ['db', 'payments/stripe', 'shop/db'],
      formats: { 'payments/stripe': 'json', 'shop/cache': 'files' },
    }),
  );
  assert.deepEqual(config, {
    safe: { host: 'localhost', port: 8443 },
    ca,
    namespace: 'shop',
    secrets: [
      { namespace: 'shop', name: 'db' },
      { namespace: 'payments', name: 'stripe' },
    ],
    format: 'files',
    formats: new Map([
      ['payments/stripe', 'json'],
      ['shop/cache', 'files'],
    ]),
    timeoutMs: 20_000,
  });
});

test('a document of a newer release is called that', () => {
  assert.throws(() => parse({ version: 2, somethingNew: true }), {
    reason: 'configuration_newer',
    message: /newer release of Sotto .*version 2, this image knows 1.*has to give the webhook the image/,
  });
});

const BROKEN: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['no version', { version: undefined }, /version of SOTTO_CONFIG must be a version/],
  ['version 0', { version: 0 }, /version of SOTTO_CONFIG/],
  ['version as text', { version: '1' }, /version of SOTTO_CONFIG/],
  ['an unknown field', { image: 'evil' }, /^image is not a known field/],
  [
    'an unknown field of safe',
    { safe: { host: 'a', port: 1, tls: false } },
    /^safe\.tls is not a known field/,
  ],
  [
    'a host that is an address and a path',
    { safe: { host: 'a/b', port: 1 } },
    /safe\.host .* must be a host name/,
  ],
  ['a port of 0', { safe: { host: 'a', port: 0 } }, /safe\.port .* from 1 to 65535/],
  ['a port that is text', { safe: { host: 'a', port: '8443' } }, /safe\.port/],
  ['no safe', { safe: null }, /safe of SOTTO_CONFIG must be an object/],
  ['a namespace that climbs', { namespace: '../etc' }, /namespace of SOTTO_CONFIG/],
  ['secrets that are no list', { secrets: 'db' }, /secrets of SOTTO_CONFIG must be a list/],
  ['a secret that climbs', { secrets: ['db', '../../etc'] }, /secrets\[1\] of SOTTO_CONFIG/],
  ['a secret that is a number', { secrets: [1] }, /secrets\[0\]/],
  ['a format there is not', { format: 'toml' }, /format of SOTTO_CONFIG must be one of files, json/],
  ['formats that are a list', { formats: [] }, /formats of SOTTO_CONFIG must be an object/],
  ['a format for a strange name', { formats: { '..': 'json' } }, /a key of formats/],
  ['a strange format for a name', { formats: { db: 'exe' } }, /a value of formats/],
  ['no timeout', { timeoutMs: 0 }, /timeoutMs/],
  ['a timeout that is no whole number', { timeoutMs: 1.5 }, /timeoutMs/],
  ['a timeout of years', { timeoutMs: 1e12 }, /timeoutMs/],
];

for (const [what, change, message] of BROKEN) {
  test(`a configuration with ${what} is refused, naming the field`, () => {
    assert.throws(() => parse({ ...buildConfig(8443), ...change }), {
      reason: 'configuration_invalid',
      message,
    });
  });
}

test('every field is required', () => {
  for (const field of Object.keys(buildConfig(1))) {
    assert.throws(() => parse({ ...buildConfig(1), [field]: undefined }), {
      reason: 'configuration_invalid',
    });
  }
});

test('what is not JSON is refused without being quoted', () => {
  for (const SOTTO_CONFIG of ['', 'hunter2', '{"version":1,hunter2}', '[]', 'null', '1']) {
    assert.throws(
      () => parseConfig({ SOTTO_CONFIG, SOTTO_CA: ca }),
      ({ reason, message }: { reason: string; message: string }) =>
        reason === 'configuration_invalid' && !message.includes('hunter2'),
    );
  }
});

test('each variable that is missing is named', () => {
  assert.throws(() => parseConfig({ SOTTO_CA: ca }), {
    message: /^SOTTO_CONFIG is missing; whoever runs Sotto/,
  });
  assert.throws(() => parseConfig({ SOTTO_CONFIG: JSON.stringify(buildConfig(1)) }), {
    message: /^SOTTO_CA is missing/,
  });
});

test('a bundle of several certificates is trusted as it is', async () => {
  const other = await createTestAuthority('CN=the one before');
  const bundle = `# two of them\n${ca}\n${other.ca}\n`;
  assert.equal(parse(buildConfig(1), bundle).ca, bundle);
});

test('a bundle that TLS would only read half of is refused', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const half = ca.slice(0, ca.length / 2);
  const cut = `${ca.slice(0, 100)}${ca.slice(104)}`;
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  for (const bundle of [
    '',
    'hello',
    broken,
    `${broken}${ca}`,
    `${ca}${broken}`,
    half,
    `${ca}${half}`,
    cut,
    `${ca}${key}`,
  ]) {
    assert.throws(() => parse(buildConfig(1), bundle), {
      reason: 'configuration_invalid',
      message: /^SOTTO_CA must be PEM certificates and nothing else/,
    });
  }
});
