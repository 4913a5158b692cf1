import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { printable, renderSecrets } from '../../cli/print.ts';
import { formatAge, formatSize, parseDuration } from '../../cli/units.ts';
import { METADATA } from './support/fake-safe.ts';

const options = { now: new Date('2026-11-24T12:30:00Z'), withNamespace: false };
const OTHER = {
  ...METADATA,
  namespace: 'payments',
  name: 'stripe-live',
  keys: ['a', 'b', 'c', 'd', 'e'],
  readers: [],
  sizeBytes: 90,
};

test('a table has the columns of kubectl, three blanks apart, and nothing at the end of a line', () => {
  assert.equal(
    renderSecrets([METADATA, OTHER], 'table', options),
    `${[
      'NAME          VERSION   KEYS            READERS          SIZE    AGE',
      'db            3         password,user   api,payments/*   1.2Ki   5h30m',
      'stripe-live   3         a,b,c +2 more   <none>           90B     5h30m',
    ].join('\n')}\n`,
  );
});

test('a table of all namespaces begins with the namespace', () => {
  assert.equal(
    renderSecrets([METADATA, OTHER], 'table', { ...options, withNamespace: true }),
    `${[
      'NAMESPACE   NAME          VERSION   KEYS            READERS          SIZE    AGE',
      'shop        db            3         password,user   api,payments/*   1.2Ki   5h30m',
      'payments    stripe-live   3         a,b,c +2 more   <none>           90B     5h30m',
    ].join('\n')}\n`,
  );
});

test('json and yaml hold the metadata as Safe sent it: one secret alone, several as items', () => {
  assert.deepEqual(JSON.parse(renderSecrets(METADATA, 'json', options)), METADATA);
  assert.deepEqual(JSON.parse(renderSecrets([METADATA], 'json', options)), { items: [METADATA] });
  assert.deepEqual(parseYaml(renderSecrets([METADATA], 'yaml', options)), { items: [METADATA] });
});

test('-o name prints one resource a line', () => {
  assert.equal(
    renderSecrets([METADATA, OTHER], 'name', options),
    'safesecret.sotto.dev/db\nsafesecret.sotto.dev/stripe-live\n',
  );
});

test('an age reads as kubectl writes it', () => {
  const second = 1000;
  const [minute, hour, day] = [60 * second, 3600 * second, 86_400 * second];
  const ages: readonly (readonly [number, string])[] = [
    [-5 * second, '<invalid>'],
    [-second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 10 * second, '5m10s'],
    [10 * minute + 10 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [5 * hour + 30 * minute, '5h30m'],
    [9 * hour + 30 * minute, '9h'],
    [47 * hour, '47h'],
    [3 * day + 4 * hour, '3d4h'],
    [3 * day, '3d'],
    [30 * day, '30d'],
    [729 * day, '729d'],
    [3 * 365 * day + 20 * day, '3y20d'],
    [9 * 365 * day + 20 * day, '9y'],
    [Number.NaN, '<invalid>'],
  ];
  for (const [ageMs, text] of ages) assert.equal(formatAge(ageMs), text);
});

test('a size has one decimal at most', () => {
  assert.deepEqual([0, 1023, 1024, 1234, 1024 * 1024].map(formatSize), [
    '0B',
    '1023B',
    '1Ki',
    '1.2Ki',
    '1Mi',
  ]);
});

test('a duration is a number with s, m or h, or seconds', () => {
  assert.deepEqual(['5', '5s', '2m', '1h', '0', '', '1d', '-1s', '1.5s', '9999999'].map(parseDuration), [
    5000,
    5000,
    120_000,
    3_600_000,
    0,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('text of others reaches the terminal as one line without control characters', () => {
  assert.equal(printable('a\u001b[2Jb\r\nc\u202Ed\u2028e'), 'a [2Jb c d e');
  assert.equal(printable('x'.repeat(20), 10), 'xxxxxxxxxx…');
});
