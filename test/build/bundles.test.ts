import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildBundles, PROGRAMS } from '../../build/bundles.ts';

const root = join(import.meta.dirname, '../..');
const out = mkdtempSync(join(tmpdir(), 'sotto-bundles-'));
after(() => {
  rmSync(out, { recursive: true });
});
const bundles = await buildBundles(root, out);

const read = (file: string): string => readFileSync(join(out, file), 'utf8');
const listImports = (file: string): string[] => {
  const matches = read(file).matchAll(/\b(?:from|import|require)\s*\(?"([^"]+)"/g);
  return [...new Set([...matches].map(([, name = '']) => name))].sort();
};

test('there is one file for each program', () => {
  assert.deepEqual(
    bundles.map(({ file }) => file),
    PROGRAMS.map(({ file }) => file),
  );
  for (const { path, bytes } of bundles) assert.equal(statSync(path).size, bytes);
});

test('the init container is our own code on four parts of Node, none of which has to be loaded for it', () => {
  assert.deepEqual(listImports('sotto-init.cjs'), ['node:buffer', 'node:fs', 'node:https', 'node:util']);
  assert.deepEqual(bundles.find(({ file }) => file === 'sotto-init.cjs')?.packages, []);
  assert.ok(!read('sotto-init.cjs').includes('createRequire'));
});

test('the plugin runs by its name from any folder', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'sotto-path-'));
  after(() => {
    rmSync(elsewhere, { recursive: true });
  });
  const plugin = join(elsewhere, 'kubectl-sotto');
  copyFileSync(join(out, 'kubectl-sotto'), plugin);
  const { status, stdout, stderr } = spawnSync(plugin, ['--help'], { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /Usage: kubectl sotto/);
});

test('the same sources give the same bytes', async () => {
  const again = mkdtempSync(join(tmpdir(), 'sotto-bundles-'));
  after(() => {
    rmSync(again, { recursive: true });
  });
  for (const { file, path } of await buildBundles(root, again))
    assert.equal(readFileSync(path, 'utf8'), read(file));
});

test('a program that does not exist is named', async () => {
  await assert.rejects(buildBundles(out, out), {
    message: /^there is no safe\/main\.ts, .*cli\/main\.ts to bundle$/,
  });
});
