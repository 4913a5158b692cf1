import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildCacheKey, GO_MODULES, isOlder, parseModuleVersion, type BuildInput } from './binaries.ts';

const input: BuildInput = {
  version: 'v1.37.2',
  flags: ['-trimpath'],
  goVersion: 'go1.26.8',
  goArch: 'amd64',
  goMod: 'module a',
  goSum: '',
};

test('programs that were built from anything else are never taken for these', () => {
  const key = buildCacheKey('kubernetes', input);
  assert.match(key, /^kubernetes-v1\.37\.2-[0-9a-f]{16}$/);
  assert.equal(buildCacheKey('kubernetes', { ...input }), key);
  const others: Partial<BuildInput>[] = [
    { version: 'v1.37.3' },
    { flags: ['-trimpath', '-race'] },
    { goVersion: 'go1.26.9' },
    { goArch: 'arm64' },
    { goMod: 'module b' },
    { goSum: 'a v1 h1:x' },
    { goMod: '', goSum: 'module a' },
  ];
  const keys = others.map((other) => buildCacheKey('kubernetes', { ...input, ...other }));
  assert.equal(new Set([key, ...keys]).size, others.length + 1);
});

test('each go.mod says which version is built', () => {
  for (const module of Object.values(GO_MODULES)) {
    const goMod = readFileSync(`${import.meta.dirname}/go/${module.name}/go.mod`, 'utf8');
    assert.match(parseModuleVersion(goMod, module.path), /^v\d+\.\d+\.\d+$/, module.name);
  }
  assert.throws(
    () => parseModuleVersion('module x', 'k8s.io/kubernetes'),
    /does not require k8s.io\/kubernetes/,
  );
});

test('Go versions are compared as numbers', () => {
  assert.equal(isOlder('1.26.8', '1.26'), false);
  assert.equal(isOlder('1.27', '1.26'), false);
  assert.equal(isOlder('2.0', '1.26'), false);
  assert.equal(isOlder('1.9.7', '1.26'), true);
  assert.equal(isOlder('1.25.11', '1.26'), true);
});
