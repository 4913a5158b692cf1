import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { buildImage, type ImageOptions } from '../../../build/build-image.ts';
import { EXIT_CODES } from '../../../init-container/failure.ts';
import { INIT_SECRETS_DIRECTORY, INIT_TOKEN_DIRECTORY } from '../../../shared/names.ts';
import { answerWith } from '../../init-container/support/fake-safe.ts';
import { TOKEN } from '../../init-container/support/program.ts';
import { ANSWER, buildEnv, CANARY, serve } from '../../init-container/support/scenario.ts';

/** As root: buildah, chroot and the container's own user. Slow the first time, when the cache is empty. */

const root = join(import.meta.dirname, '../../..');
const workshop = mkdtempSync('/var/tmp/sotto-image-test-');
after(() => {
  rmSync(workshop, { recursive: true, force: true });
});

const options = (dist: string): ImageOptions => ({
  root,
  dist: join(workshop, dist),
  cache: join(homedir(), '.cache/sotto'),
  arch: process.arch,
  name: 'sotto.dev/sotto:test',
  version: '0.0.0',
  epoch: 0,
  say: () => undefined,
});

const image = await buildImage(options('first'));
const archive = join(workshop, 'first/image/sotto-image.tar');
const rootfs = unpack();

interface Manifest {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

function readArchiveJson(file: string): unknown {
  return JSON.parse(
    execFileSync('tar', ['--extract', '--to-stdout', `--file=${archive}`, file], { encoding: 'utf8' }),
  );
}

function unpack(): string {
  const directory = join(workshop, 'rootfs');
  const layers = join(workshop, 'layers');
  for (const one of [directory, layers]) mkdirSync(one);
  execFileSync('tar', ['--extract', `--file=${archive}`, `--directory=${layers}`]);
  const [{ Layers }] = readArchiveJson('manifest.json') as [Manifest];
  for (const layer of Layers)
    execFileSync('tar', ['--extract', `--file=${join(layers, layer)}`, `--directory=${directory}`]);
  return directory;
}

function listFiles(directory = rootfs): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path.slice(rootfs.length)];
  });
}

/** Runs in the image as its user; nothing of this machine is seen but its kernel and its network. */
function runInside(args: readonly string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const command = ['--userspec=65532:65532', rootfs, '/usr/bin/node', ...args];
  return spawnSync('/usr/sbin/chroot', command, { env, encoding: 'utf8' });
}

test('the same input gives the same image, bit by bit', async () => {
  const umask = process.umask(0o077);
  try {
    assert.deepEqual(await buildImage(options('second')), image);
  } finally {
    process.umask(umask);
  }
  for (const file of ['sotto-image.tar', 'sbom.json', 'digest']) {
    const [first, second] = ['first', 'second'].map((dist) =>
      readFileSync(join(workshop, dist, 'image', file)),
    );
    assert.ok(first !== undefined && second?.equals(first), file);
  }
});

test('an image that is there is not made again', async () => {
  const before = lstatSync(archive).mtimeMs;
  const said: string[] = [];
  assert.deepEqual(await buildImage({ ...options('first'), say: (line) => said.push(line) }), image);
  assert.equal(lstatSync(archive).mtimeMs, before);
  assert.equal(said.at(-1), 'nothing has changed');
});

test('it runs as nobody in particular, from two layers, with the name it was given', () => {
  const [manifest] = readArchiveJson('manifest.json') as [Manifest];
  assert.deepEqual(manifest.RepoTags, ['sotto.dev/sotto:test']);
  assert.equal(manifest.Layers.length, 2);
  const { config, created } = readArchiveJson(manifest.Config) as {
    created: string;
    config: Record<string, unknown>;
  };
  assert.equal(created, '1970-01-01T00:00:00Z');
  assert.equal(config['User'], '65532:65532');
  assert.deepEqual(config['Entrypoint'], ['/usr/bin/node']);
  assert.equal((config['Labels'] as Record<string, string>)['org.opencontainers.image.version'], '0.0.0');
});

test('it holds Node, its libraries, our programs and licences, and no way to run anything else', () => {
  const files = listFiles();
  const programs = files.filter((path) => (statSync(join(rootfs, path)).mode & 0o111) !== 0);
  assert.deepEqual(
    programs.filter((path) => !path.includes('/ld-linux')),
    ['/usr/bin/node'],
  );
  assert.deepEqual(files.filter((path) => /^\/app\/[^/]+$/.test(path) && !path.endsWith('LICENSE')).sort(), [
    '/app/package.json',
    '/app/sotto-init.cjs',
    '/app/sotto-safe.js',
    '/app/sotto-webhook.js',
    '/app/sqlite-worker.js',
  ]);
  for (const path of files) {
    const { uid, gid, mode } = statSync(join(rootfs, path));
    assert.deepEqual([uid, gid, mode & 0o7022], [0, 0, 0], path);
  }
});

test('every package in it is in the list of what is in it, with its licence', () => {
  interface Component {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
  }
  const { components } = JSON.parse(readFileSync(join(workshop, 'first/image/sbom.json'), 'utf8')) as {
    components: Component[];
  };
  for (const { name, version, purl } of components) {
    const licence = purl.startsWith('pkg:npm/')
      ? `app/licenses/${name}@${version}`
      : purl.startsWith('pkg:deb/')
        ? `usr/share/doc/${name}/copyright`
        : 'usr/share/doc/nodejs/LICENSE';
    assert.ok(existsSync(join(rootfs, licence)), licence);
  }
  const names = components.map(({ name }) => name);
  for (const name of ['node', 'libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'koa', '@noble/ciphers'])
    assert.ok(names.includes(name));
  assert.ok(!names.includes('commander')); // of the plugin, which is not in the image
});

test('Node runs in it and finds names, by files first', () => {
  assert.equal(runInside(['--version']).stdout, `${process.version}\n`);
  mkdirSync(join(rootfs, 'etc'), { recursive: true });
  writeFileSync(join(rootfs, 'etc/hosts'), '127.0.0.1 localhost\n127.0.0.7 sotto-safe.sotto-system.svc\n');
  const script =
    "require('dns').lookup('sotto-safe.sotto-system.svc', (error, address) => console.log(error ?? address))";
  assert.equal(runInside(['--eval', script]).stdout, '127.0.0.7\n');
});

const FLAGS = ['--disable-proto=delete', '--disable-sigusr1', '--no-addons'];

for (const file of ['sotto-safe.js', 'sotto-webhook.js', 'sotto-init.cjs']) {
  test(`${file} starts in it, and says what of its configuration is missing`, () => {
    const { stdout, stderr, status } = runInside([...FLAGS, `/app/${file}`]);
    assert.equal(stderr, '');
    assert.notEqual(status, 0);
    assert.match(stdout, new RegExp(`"program":"${file.replace(/\.c?js$/, '')}".*[A-Z_]+ is missing`));
  });
}

test('the init container, as the image has it and where the webhook mounts it, delivers', async () => {
  const safe = await serve(answerWith(ANSWER));
  for (const directory of [INIT_SECRETS_DIRECTORY, INIT_TOKEN_DIRECTORY, '/dev'])
    mkdirSync(join(rootfs, directory), { recursive: true });
  writeFileSync(join(rootfs, INIT_TOKEN_DIRECTORY, 'token'), TOKEN);
  writeFileSync(join(rootfs, 'dev/termination-log'), '');
  const script = `
    mount -t tmpfs -o mode=0777 sotto-secrets ${rootfs}${INIT_SECRETS_DIRECTORY}
    chroot --userspec=65532:65532 ${rootfs} /usr/bin/node /app/sotto-init.cjs
    cat ${rootfs}${INIT_SECRETS_DIRECTORY}/db/password`;
  const child = spawn('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-ec', script], {
    env: { ...buildEnv(safe.port), PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stdout = await text(child.stdout);
  assert.match(stdout, /"event":"files_written"}\n/);
  assert.ok(stdout.endsWith(CANARY));
});

test('the termination message is where the kubelet looks for it', () => {
  mkdirSync(join(rootfs, 'dev'), { recursive: true });
  writeFileSync(join(rootfs, 'dev/termination-log'), '');
  chmodSync(join(rootfs, 'dev/termination-log'), 0o666);
  assert.equal(runInside(['/app/sotto-init.cjs']).status, EXIT_CODES.configuration_invalid);
  assert.match(
    readFileSync(join(rootfs, 'dev/termination-log'), 'utf8'),
    /^SOTTO_CONFIG is missing; whoever runs Sotto/,
  );
});
