import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArguments, type Invocation } from '../../cli/arguments.ts';
import { Failure } from '../../cli/failure.ts';

const parse = (line: string): Invocation => parseArguments(line.split(' '));

const refusalOf = (argv: readonly string[]): string => {
  try {
    parseArguments(argv);
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.kind, 'usage');
    return error.message;
  }
  return assert.fail(`accepted: ${argv.join(' ')}`);
};

test('put takes its sources, readers and connection from the command line', () => {
  assert.deepEqual(
    parse(
      'put db -n shop --key password --reader api --reader payments/worker --reader * --replace ' +
        '--service-account shop/deployer --request-timeout 5s -o json --context c --kubeconfig k',
    ),
    {
      command: 'put',
      target: { name: 'db', namespace: 'shop' },
      options: {
        namespace: 'shop',
        key: 'password',
        reader: [
          { serviceAccount: 'api' },
          { serviceAccount: 'worker', namespace: 'payments' },
          { serviceAccount: '*' },
        ],
        replace: true,
        serviceAccount: { namespace: 'shop', name: 'deployer' },
        requestTimeout: 5000,
        output: 'json',
        context: 'c',
        kubeconfig: 'k',
      },
    },
  );
});

test('file sources are collected in their order', () => {
  const invocation = parse('put db --from-file=a --from-file b=c');
  assert.deepEqual('options' in invocation && invocation.options, { fromFile: ['a', 'b=c'] });
});

test('a secret is named by NAME with -n, or by NAMESPACE/NAME', () => {
  for (const line of ['get db -n shop', 'get shop/db', '-n shop get db', 'get shop/db -n shop']) {
    const invocation = parse(line);
    assert.ok(invocation.command === 'get');
    assert.deepEqual(invocation.target, { namespace: 'shop', name: 'db' }, line);
  }
  assert.deepEqual(parse('delete db'), { command: 'delete', target: { name: 'db' }, options: {} });
});

test('two different namespaces for one secret are refused', () => {
  assert.equal(
    refusalOf(['get', 'shop/db', '-n', 'payments']),
    'NAMESPACE/NAME and --namespace name two different namespaces',
  );
});

test('list takes -A and a page size', () => {
  assert.deepEqual(parse('list -A --chunk-size=20'), {
    command: 'list',
    options: { allNamespaces: true, chunkSize: 20 },
  });
});

test('every wrong argument is refused with the rule that it breaks', () => {
  const rules: readonly (readonly [string, RegExp])[] = [
    ['put', /^put needs the NAME of a secret. See kubectl sotto put --help$/],
    ['get Db', /^NAME must be a DNS-1123 subdomain/],
    ['get a/b/c', /^NAME must be NAME or NAMESPACE\/NAME$/],
    ['get Shop/db', /^NAMESPACE of NAMESPACE\/NAME must be a DNS-1123 label$/],
    ['get db -n Shop', /^--namespace must be a DNS-1123 label$/],
    ['get db -o wide', /^--output must be one of table, json, yaml, name$/],
    ['get db -n', /^option '-n, --namespace <NAME>' argument missing/],
    ['list --chunk-size 0', /^--chunk-size must be between 1 and 1000$/],
    ['list --chunk-size 1e3', /^--chunk-size must be between 1 and 1000$/],
    ['list --request-timeout soon', /^--request-timeout must be a time such as 5s/],
    ['list --service-account admin', /^--service-account must be NAMESPACE\/NAME$/],
    ['list --service-account a/B', /^--service-account must be NAMESPACE\/NAME, both/],
    ['list db', /^list takes no NAME/],
    ['get db other', /^get takes one NAME/],
    ['put db --reader a/b/c', /^--reader must be a service account/],
    ['put db --reader */x', /^--reader must be a service account/],
    ['put db --reader ap*', /^--reader must be a service account/],
    ['put db --key ..data', /^--key must be at most 253 of the characters/],
    ['put db --key a --key b', /^--key may be given once/],
    ['store', /^there is no such command; there are put, get, list, delete, status, version/],
  ];
  for (const [line, rule] of rules) assert.match(refusalOf(line.split(' ')), rule, line);
});

test('a value given as an argument is refused, without being repeated, and with the way to give it', () => {
  const attempts = [
    ['put', 'db', 'Hunter2!'],
    ['put', 'db', 'password=Hunter2!'],
    ['put', 'db', '--from-literal=password=Hunter2!'],
    ['put', 'db', '--from-literal', 'password=Hunter2!'],
    ['put', 'db', '--value=Hunter2!'],
  ];
  for (const argv of attempts) {
    const message = refusalOf(argv);
    assert.match(message, /a value is never given as an argument/);
    assert.match(message, /--key KEY with standard input or the prompt, --from-file or --from-env-file/);
    assert.doesNotMatch(message, /Hunter2/);
  }
});

test('options that kubectl has and Sotto must not have are refused with the reason', () => {
  assert.match(
    refusalOf(['list', '--insecure-skip-tls-verify']),
    /always verified: no option turns that off/,
  );
  assert.match(refusalOf(['put', 'db', '--dry-run=client']), /there is no --dry-run/);
  assert.match(refusalOf(['get', 'db', '--as', 'jane']), /use --service-account/);
});

test('no refusal ever repeats what was typed, wherever it stood', () => {
  const canary = 'Canary-7f3a!';
  const word = fc.constantFrom(
    'put',
    'get',
    'list',
    'delete',
    'db',
    '-n',
    '--key',
    '--reader',
    '-o',
    '--',
    '-A',
  );
  const typed = fc.constantFrom(
    canary,
    `--${canary}`,
    `-p${canary}`,
    `--key=${canary}`,
    `x=${canary}`,
    `${canary}/x`,
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 5 }),
      typed,
      fc.array(word, { maxLength: 3 }),
      (before, value, after) => {
        try {
          parseArguments([...before, value, ...after]);
        } catch (error) {
          assert.ok(error instanceof Failure);
          assert.doesNotMatch(error.message, /Canary/);
        }
      },
    ),
  );
});

test('help needs no command, names every command and every exit code', () => {
  for (const argv of [[], ['--help'], ['help']]) {
    const invocation = parseArguments(argv);
    assert.ok(invocation.command === 'help');
    for (const word of ['put', 'get', 'list', 'delete', 'status', 'version', 'Exit codes:', '130  Ctrl-C']) {
      assert.ok(invocation.text.includes(word), word);
    }
  }
});

test('the help of put says how a value is given, and has no option that takes one', () => {
  const invocation = parseArguments(['put', '--help']);
  assert.ok(invocation.command === 'help');
  assert.match(invocation.text, /never from an argument/);
  assert.doesNotMatch(invocation.text, /from-literal/);
});
