import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PutOptions } from '../../cli/arguments.ts';
import type { Target } from '../../cli/parse-options.ts';
import { put } from '../../cli/put.ts';
import { readPath } from '../../cli/read-path.ts';
import { revealed } from '../support/secrets.ts';
import { fakePorts, type FakePorts } from './support/fake-ports.ts';
import { METADATA } from './support/fake-safe.ts';

const run = (ports: FakePorts, options: PutOptions, value = 'hunter2', target: Target = { name: 'db' }) =>
  put(
    { target, options },
    {
      ...ports,
      values: {
        stdin: {
          bytes: (async function* () {
            yield await Promise.resolve(Buffer.from(value));
          })(),
        },
        readPath,
        readVariable: () => undefined,
      },
    },
  );

test('a new secret is created on the condition that there is none', async () => {
  const ports = fakePorts();
  await run(ports, { key: 'password', reader: [{ serviceAccount: 'api' }] });
  assert.deepEqual(
    ports.puts.map(({ data, ...rest }) => ({ ...rest, data: revealed(data) })),
    [{ data: { password: 'hunter2' }, replaces: undefined, readers: [{ serviceAccount: 'api' }] }],
  );
  assert.deepEqual(ports.written, { out: 'secret shop/db created, version 1\n', err: '' });
});

test('an existing secret is replaced on the condition that it is still the version that was looked at', async () => {
  const ports = fakePorts({ ...METADATA, keys: ['password'] });
  await run(ports, { key: 'password' });
  assert.equal(ports.puts[0]?.replaces, 3);
  assert.deepEqual(ports.written, { out: 'secret shop/db replaced, version 4\n', err: '' });
});

test('without --reader the request leaves the readers out, so an existing secret keeps them', async () => {
  const ports = fakePorts({ ...METADATA, keys: ['password'] });
  await run(ports, { key: 'password' });
  assert.ok(ports.puts[0] !== undefined && !('readers' in ports.puts[0]));
});

test('a secret that nobody may read is stored with a hint', async () => {
  const ports = fakePorts();
  await run(ports, { key: 'password' });
  assert.match(ports.written.err, /^hint: no pod may read shop\/db yet: give --reader SERVICE_ACCOUNT/);
});

test('a put that would drop keys which exist is refused, and nothing is sent', async () => {
  const ports = fakePorts(METADATA);
  await assert.rejects(run(ports, { key: 'token' }), {
    kind: 'conflict',
    message:
      /^secret shop\/db also has password, user, which would be lost: .* or add --replace .* Nothing was stored$/,
  });
  assert.equal(ports.puts.length, 0);
});

test('--replace drops them, still on the condition of the version', async () => {
  const ports = fakePorts(METADATA);
  await run(ports, { key: 'token', replace: true });
  assert.equal(ports.puts[0]?.replaces, 3);
});

test('a value that cannot be read is refused before Safe is looked for', async () => {
  const ports = { ...fakePorts(), useSafe: () => assert.fail('connected') };
  await assert.rejects(run(ports, { key: 'password' }, ''), { kind: 'usage' });
});

test('a final newline is warned about once the secret is stored', async () => {
  const ports = fakePorts();
  await run(ports, { key: 'password', reader: [{ serviceAccount: '*' }] }, 'hunter2\n');
  assert.match(ports.written.err, /^warning: password was stored with the newline at its end/);
});

test('a namespace in the name wins over the one of the context', async () => {
  const ports = fakePorts();
  await run(ports, { key: 'a' }, 'x', { namespace: 'payments', name: 'db' });
  assert.match(ports.written.out, /^secret payments\/db created/);
});

test('-o json prints the metadata of what was stored, and no value', async () => {
  const ports = fakePorts();
  await run(ports, { key: 'password', output: 'json' });
  assert.equal((JSON.parse(ports.written.out) as { version: number }).version, 1);
  assert.doesNotMatch(ports.written.out + ports.written.err, /hunter2/);
});
