import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSbom, type SbomInput } from '../../build/sbom.ts';

const pkg = (name: string) => ({ name, version: '1.0.0', license: 'MIT', directory: '' });
const bundle = (file: string, names: string[]) => ({
  file,
  path: '',
  bytes: 1,
  isCommand: false,
  packages: names.map(pkg),
});

const INPUT: SbomInput = {
  name: 'sotto.dev/sotto:0.1.0',
  version: '0.1.0',
  imageDigest: 'sha256:00',
  node: {
    version: '26.0.0',
    path: '',
    sha256: 'ab',
    license: '',
    parts: { node: '26.0.0', openssl: '3.5.8', modules: '147' },
  },
  debian: [
    {
      name: 'libstdc++6',
      version: '12.2.0-14+deb12u1',
      architecture: 'amd64',
      source: 'gcc-12',
      sha256: 'cd',
    },
  ],
  bundles: [bundle('a.js', ['koa', '@noble/ciphers']), bundle('b.js', ['koa'])],
};

interface Component {
  readonly purl: string;
  readonly components?: readonly { readonly name: string }[];
  readonly properties: readonly { readonly value: string }[];
}

test('Node and what it was built from, Debian packages and bundled npm packages are listed, each once', () => {
  const { components } = buildSbom(INPUT) as { components: Component[] };
  assert.deepEqual(
    components.map(({ purl }) => purl),
    [
      'pkg:generic/node@26.0.0',
      'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64',
      'pkg:npm/%40noble/ciphers@1.0.0',
      'pkg:npm/koa@1.0.0',
    ],
  );
  assert.deepEqual(
    components[0]?.components?.map(({ name }) => name),
    ['openssl'],
  );
  assert.deepEqual(
    components[3]?.properties.map(({ value }) => value),
    ['a.js', 'b.js'],
  );
});

test('the same image has the same document', () => {
  assert.equal(JSON.stringify(buildSbom(INPUT)), JSON.stringify(buildSbom(structuredClone(INPUT))));
});
