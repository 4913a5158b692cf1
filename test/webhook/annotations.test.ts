import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAnnotations, type Wish } from '../../webhook/annotations.ts';

const read = (annotations: Record<string, string>) =>
  parseAnnotations(
    Object.fromEntries(
      Object.entries({ inject: 'true', ...annotations }).map(([name, text]) => [`sotto.dev/${name}`, text]),
    ),
    'shop',
  );

function wish(annotations: Record<string, string>): Wish {
  const { wish, problems } = read(annotations);
  assert.deepEqual(problems, []);
  return wish;
}

function clauses(annotations: Record<string, string>): readonly string[] {
  return read(annotations).problems.map(({ clause }) => clause);
}

test('a pod that only opts in gets every secret it may read, as files, in every application container', () => {
  assert.deepEqual(wish({}), {
    secrets: [],
    format: 'files',
    formats: {},
    containers: [],
    mountPath: '/sotto',
    timeoutMs: 120_000,
  });
});

test('the list of secrets keeps its order, and a secret of the own namespace has one spelling', () => {
  assert.deepEqual(wish({ secrets: 'stripe, shop/db,\n  payments/stripe' }).secrets, [
    'stripe',
    'db',
    'payments/stripe',
  ]);
  assert.deepEqual(wish({}).secrets, []);
});

test('one secret spelled in two ways is there twice', () => {
  assert.deepEqual(clauses({ secrets: 'db, shop/db' }), [
    'sotto.dev/secrets must list nothing twice; entry 2 is there before',
  ]);
});

test('names outside the grammar are refused by their number', () => {
  const outside = [
    '',
    'DB',
    '-db',
    'db_1',
    'a/b/c',
    '/db',
    'shop/',
    '../db',
    'sh.op/db',
    'db\u0000',
    'ｄb',
    'x'.repeat(254),
  ];
  for (const name of outside) {
    assert.deepEqual(clauses({ secrets: `first,${name},third` }), [
      'sotto.dev/secrets must list <secret> or <namespace>/<secret>; entry 2 is something else',
    ]);
  }
});

test('a list is bounded in entries and in characters', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`).join(',');
  assert.equal(wish({ secrets: names(100) }).secrets.length, 100);
  assert.match(
    clauses({ secrets: names(101) }).join(),
    /^sotto.dev\/secrets must have at most 100 entries and 8192 characters$/,
  );
  assert.match(
    clauses({ secrets: ' '.repeat(200_000) + 'db' }).join(),
    /at most 100 entries and 8192 characters/,
  );
});

test('a format can be chosen for all secrets and for one', () => {
  const { format, formats } = wish({ secrets: 'db, queue', format: 'json', 'format.db': 'files' });
  assert.equal(format, 'json');
  assert.deepEqual(formats, { db: 'files' });
});

test('without a list of secrets a format names a secret of the own namespace', () => {
  assert.deepEqual(wish({ 'format.payments.stripe': 'json' }).formats, { 'payments.stripe': 'json' });
});

test('a format names a secret of another namespace with a dot', () => {
  assert.deepEqual(wish({ secrets: 'payments/stripe.live', 'format.payments.stripe.live': 'json' }).formats, {
    'payments/stripe.live': 'json',
  });
});

test('a format that fits two secrets, or none, is refused', () => {
  assert.match(
    clauses({ secrets: 'a.b, a/b', 'format.a.b': 'json' }).join(),
    /^sotto.dev\/format.a.b fits two/,
  );
  assert.match(
    clauses({ secrets: 'db', 'format.queue': 'json' }).join(),
    /format.queue must end in .* that sotto.dev\/secrets lists/,
  );
  assert.match(
    clauses({ 'format.': 'json' }).join(),
    /^sotto.dev\/format. must end in the name of a secret$/,
  );
  assert.match(
    clauses({ 'format.UPPER': 'json' }).join(),
    /^sotto.dev\/format.UPPER must end in the name of a secret$/,
  );
});

test('secrets that are named like the members of a JavaScript object are names like any other', () => {
  const { formats, secrets } = wish({ secrets: 'constructor, tostring', 'format.constructor': 'json' });
  assert.deepEqual(secrets, ['constructor', 'tostring']);
  assert.deepEqual(Object.entries(formats), [['constructor', 'json']]);
  assert.match(clauses({ 'format.__proto__': 'json' }).join(), /must end in the name of a secret/);
});

test('a format is one of a closed set', () => {
  for (const text of ['', 'FILES', 'files ', 'yaml', 'constructor']) {
    assert.deepEqual(clauses({ format: text }), ['sotto.dev/format must be one of files, json']);
    assert.deepEqual(clauses({ 'format.db': text }), ['sotto.dev/format.db must be one of files, json']);
  }
});

test('a timeout is whole seconds or minutes, from a second to an hour', () => {
  const inMs = { '1s': 1000, '90s': 90_000, '3600s': 3_600_000, '1m': 60_000, '60m': 3_600_000 };
  for (const [timeout, timeoutMs] of Object.entries(inMs))
    assert.equal(wish({ timeout }).timeoutMs, timeoutMs);
  for (const timeout of [
    '',
    '0s',
    '-1s',
    '01s',
    '1',
    '1h',
    '1h30m',
    '1.5m',
    '61m',
    '3601s',
    '9999m',
    '1 s',
    '1s ',
    '1e3s',
    '٣s',
    '1S',
  ]) {
    assert.deepEqual(clauses({ timeout }), [
      'sotto.dev/timeout must be whole seconds or minutes from 1s to 60m, such as 90s or 2m',
    ]);
  }
});

test('containers are named, at least one, and ours is not among them', () => {
  assert.deepEqual(wish({ containers: 'app, worker' }).containers, ['app', 'worker']);
  assert.deepEqual(clauses({ containers: '' }), [
    'sotto.dev/containers must name a container; without it all of them are meant',
  ]);
  assert.match(clauses({ containers: 'app,sotto-init' }).join(), /entry 2 is something else/);
  assert.match(clauses({ containers: 'App' }).join(), /entry 1 is something else/);
  assert.match(clauses({ containers: 'app,app' }).join(), /entry 2 is there before/);
});

test('a pod asks with "true" and with nothing else', () => {
  for (const inject of ['True', 'TRUE', 'yes', '1', '', 'true ', 'enabled']) {
    assert.deepEqual(clauses({ inject }), ['sotto.dev/inject must be "true" or "false"']);
  }
});

test('a pod with annotations of ours that forgot to ask is told', () => {
  const { problems } = parseAnnotations({ 'sotto.dev/secrets': 'db' }, 'shop');
  assert.deepEqual(
    problems.map(({ clause }) => clause),
    ['sotto.dev/inject is missing; it must be "true" or "false"'],
  );
});

test('an unknown annotation is refused with its name and a guess at what was meant', () => {
  const guesses = {
    secret: 'secrets',
    Secrets: 'secrets',
    mountpath: 'mount-path',
    container: 'containers',
    injected: 'inject',
  };
  for (const [name, meant] of Object.entries(guesses)) {
    assert.deepEqual(clauses({ [name]: 'x' }), [
      `sotto.dev/${name} is not an annotation of Sotto (did you mean ${meant}?)`,
    ]);
  }
  assert.deepEqual(clauses({ image: 'x' }), [
    'sotto.dev/image is not an annotation of Sotto (there are inject, secrets, format, containers, mount-path, timeout)',
  ]);
});

test('annotations of later releases are unknown to this one', () => {
  for (const name of [
    'refresh',
    'template.x',
    'env',
    'optional',
    'order',
    'file-mode',
    'size-limit',
    'on-change',
    'status',
  ]) {
    assert.equal(read({ [name]: 'true' }).problems[0]?.reason, 'unknown_annotation');
  }
});

test('annotations of others are none of our business', () => {
  const { problems } = parseAnnotations(
    { 'sotto.dev/inject': 'true', 'sotto.dev.example/x': 'y', 'xsotto.dev/secrets': 'y', 'sotto.dev': 'y' },
    'shop',
  );
  assert.deepEqual(problems, []);
});

test('a hundred thousand unknown annotations are answered quickly and briefly', () => {
  const names = Array.from({ length: 100_000 }, (_, index) => [`secret${index}`, 'x'] as const);
  const start = performance.now();
  const { problems } = read(Object.fromEntries(names));
  assert.ok(performance.now() - start < 2000);
  assert.equal(problems.length, 10);
});

test('whatever the annotations say, reading them throws nothing and no problem repeats a value', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'inject',
      'secrets',
      'format',
      'format.db',
      'containers',
      'mount-path',
      'timeout',
      '__proto__',
    ),
    fc.string(),
  );
  const canary = fc.string({ minLength: 1 }).map((text) => `CANARY${text}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, canary)), (entries) => {
      const keysAreClean = entries.every(([key]) => !key.includes('CANARY'));
      for (const clause of clauses(Object.fromEntries(entries))) {
        assert.ok(!keysAreClean || !clause.includes('CANARY'));
        assert.match(clause, /^[\x20-\x7e]+$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('an empty list of secrets is refused: it must not come to mean all of them', () => {
  for (const secrets of ['', ' ', '\n']) {
    const { problems } = parseAnnotations(
      { 'sotto.dev/inject': 'true', 'sotto.dev/secrets': secrets },
      'shop',
    );
    assert.equal(problems.length, 1);
    assert.match(JSON.stringify(problems), /sotto\.dev\/secrets/);
  }
});
