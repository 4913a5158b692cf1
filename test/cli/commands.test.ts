import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteSecret } from '../../cli/delete.ts';
import { get } from '../../cli/get.ts';
import { list } from '../../cli/list.ts';
import { fakePorts } from './support/fake-ports.ts';
import { METADATA } from './support/fake-safe.ts';

const target = { name: 'db' };

test('get prints the metadata in the format that was asked for', async () => {
  const ports = fakePorts(METADATA);
  await get({ target, options: {} }, ports);
  assert.match(ports.written.out, /^NAME +VERSION/);
  const asYaml = fakePorts(METADATA);
  await get({ target, options: { output: 'yaml' } }, asYaml);
  assert.match(asYaml.written.out, /^namespace: shop\nname: db\n/);
});

test('get of a secret that does not exist says which', async () => {
  await assert.rejects(get({ target, options: {} }, fakePorts()), {
    kind: 'not_found',
    message: 'secret shop/db does not exist',
  });
});

test('list asks for the namespace of -n, else the one of the context, or for all', async () => {
  const asked: unknown[] = [];
  const ports = fakePorts(METADATA, {
    list: (namespace, pageSize) => {
      asked.push([namespace, pageSize]);
      return Promise.resolve([METADATA]);
    },
  });
  await list({}, ports);
  await list({ namespace: 'payments' }, ports);
  await list({ allNamespaces: true, chunkSize: 7 }, ports);
  assert.deepEqual(asked, [
    ['shop', 500],
    ['payments', 500],
    [undefined, 7],
  ]);
});

test('an empty list says so on standard error, and is an empty document in json', async () => {
  const ports = fakePorts();
  await list({}, ports);
  await list({ allNamespaces: true }, ports);
  assert.deepEqual(ports.written, {
    out: '',
    err: 'No secrets found in namespace shop.\nNo secrets found.\n',
  });
  await list({ output: 'json' }, ports);
  assert.deepEqual(JSON.parse(ports.written.out), { items: [] });
});

test('delete says what was deleted', async () => {
  const ports = fakePorts(METADATA);
  await deleteSecret({ target, options: {} }, ports);
  await deleteSecret({ target, options: { output: 'name' } }, ports);
  assert.equal(ports.written.out, 'secret shop/db deleted\nsafesecret.sotto.dev/db\n');
});

test('delete has no -o json, and then deletes nothing', async () => {
  const ports = { ...fakePorts(), useSafe: () => assert.fail('connected') };
  await assert.rejects(deleteSecret({ target, options: { output: 'json' } }, ports), { kind: 'usage' });
});
