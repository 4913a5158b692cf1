import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPackageDirectory, listPackages, readLicenses } from '../../build/npm-packages.ts';

const root = join(import.meta.dirname, '../..');

test('a file belongs to the innermost package', () => {
  const owners = {
    'node_modules/koa/lib/application.js': 'node_modules/koa',
    'node_modules/@koa/router/dist/index.js': 'node_modules/@koa/router',
    'node_modules/koa/node_modules/mime-db/db.json': 'node_modules/koa/node_modules/mime-db',
    'safe/main.ts': undefined,
  };
  for (const [path, owner] of Object.entries(owners)) assert.equal(findPackageDirectory(path), owner);
});

test('a package is listed when a byte of it is in the output, and not for having been read', () => {
  const input = (bytesInOutput: number) => ({ bytesInOutput });
  const inputs = {
    'node_modules/koa/lib/request.js': input(10),
    'node_modules/koa/lib/response.js': input(10),
    'node_modules/valibot/dist/index.mjs': input(0),
    'safe/main.ts': input(5),
  };
  const output = { bytes: 25, inputs, imports: [], exports: [] };
  const [koa, ...others] = listPackages({ inputs: {}, outputs: { 'dist/a.js': output } }, root);
  assert.deepEqual(others, []);
  assert.deepEqual([koa?.name, koa?.license], ['koa', 'MIT']);
  assert.match(koa?.version ?? '', /^\d+\.\d+\.\d+$/);
});

test('the licence text of a package goes with it', () => {
  const directory = join(root, 'node_modules/koa');
  const [[file, text] = ['', '']] = readLicenses({ directory, name: 'koa', version: '0', license: 'MIT' });
  assert.equal(file, 'LICENSE');
  assert.match(text, /Permission is hereby granted/);
});
