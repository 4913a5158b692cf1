import type { Bundle } from './bundles.ts';
import type { DebianPackage } from './debian-packages.ts';
import type { NodeBinary } from './node-binary.ts';
import type { NpmPackage } from './npm-packages.ts';

export interface SbomInput {
  readonly name: string;
  readonly version: string;
  readonly imageDigest: string;
  readonly node: NodeBinary;
  readonly debian: readonly DebianPackage[];
  readonly bundles: readonly Bundle[];
}

/** Of `process.versions`: no libraries but numbers of interfaces and data. */
const NO_COMPONENT = ['node', 'modules', 'napi', 'unicode', 'cldr', 'tz'];

/** A CycloneDX 1.6 document of everything in the image, the same bytes for the same image. */
export function buildSbom(input: SbomInput): object {
  const { name, version, imageDigest, node, debian, bundles } = input;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'container',
        'bom-ref': 'image',
        name,
        version,
        properties: [{ name: 'sotto:image-digest', value: imageDigest }],
      },
    },
    components: [describeNode(node), ...debian.map(describeDebian), ...listNpm(bundles)],
  };
}

function describeNode({ version, sha256, parts: versions }: NodeBinary): object {
  const parts = Object.entries(versions).filter(([name]) => !NO_COMPONENT.includes(name));
  return {
    type: 'platform',
    'bom-ref': `pkg:generic/node@${version}`,
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: [{ license: { id: 'MIT' } }],
    properties: [{ name: 'sotto:sha256-before-strip', value: sha256 }],
    components: parts.sort(byFirst).map(([name, partVersion]) => ({
      type: 'library',
      'bom-ref': `node/${name}@${partVersion}`,
      name,
      version: partVersion,
    })),
  };
}

function describeDebian({ name, version, architecture, source, sha256 }: DebianPackage): object {
  const id = `${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
  const purl = `pkg:deb/debian/${id}?arch=${architecture}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    properties: [
      { name: 'sotto:debian-source', value: source },
      { name: 'sotto:sha256-of-package', value: sha256 },
    ],
  };
}

function listNpm(bundles: readonly Bundle[]): object[] {
  const byPurl = new Map<string, { one: NpmPackage; files: Set<string> }>();
  for (const { file, packages } of bundles) {
    for (const one of packages) {
      const purl = `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`;
      const entry = byPurl.get(purl) ?? { one, files: new Set() };
      byPurl.set(purl, { one, files: entry.files.add(file) });
    }
  }
  return [...byPurl].sort(byFirst).map(([purl, { one, files }]) => ({
    type: 'library',
    'bom-ref': purl,
    name: one.name,
    version: one.version,
    purl,
    licenses: [{ expression: one.license }],
    properties: [...files].map((file) => ({ name: 'sotto:bundled-in', value: file })),
  }));
}

const byFirst = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : 1;
