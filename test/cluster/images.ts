import { createHash } from 'node:crypto';
import { chmodSync, closeSync, cpSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { makeOnce } from './cache.ts';
import { buildEnterCommand, type Entrance } from './namespace.ts';
import { CONTAINERD_SOCKET } from './network.ts';
import { run, type Command } from './run.ts';

/** What an application looks like to tests: a shell and the usual commands. */
export const BUSYBOX_IMAGE = 'sotto.test/busybox:1';
/** Holds a pod's namespaces. */
export const PAUSE_IMAGE = 'sotto.test/pause:1';

const CONTAINERFILES = {
  [BUSYBOX_IMAGE]: 'FROM scratch\nCOPY root /\nENV PATH=/bin\nCMD ["sh"]\n',
  [PAUSE_IMAGE]: 'FROM scratch\nCOPY root /\nENTRYPOINT ["/bin/sleep", "infinity"]\n',
};
const ACCOUNTS = {
  passwd: 'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\n',
  group: 'root:x:0:\nnonroot:x:65532:\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

export interface ImageContext {
  readonly cache: string;
  readonly busybox: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

/** @returns the archives of both images, made unless the cache has them for this very busybox. */
export async function buildImages(context: ImageContext): Promise<{ archives: string[]; wasBuilt: boolean }> {
  const recipe = JSON.stringify([CONTAINERFILES, ACCOUNTS]);
  const hash = createHash('sha256')
    .update(readFileSync(context.busybox))
    .update(recipe)
    .digest('hex')
    .slice(0, 16);
  const directory = `${context.cache}/images/${hash}`;
  const build = async (workshop: string) => {
    await writeRoot(`${workshop}/context/root`, context);
    await buildArchive(workshop, 'busybox', BUSYBOX_IMAGE, context);
    await buildArchive(workshop, 'pause', PAUSE_IMAGE, context);
    for (const material of ['context', 'storage', 'runroot'])
      rmSync(`${workshop}/${material}`, { recursive: true });
  };
  const wasBuilt = await makeOnce(directory, build, context.signal);
  return { archives: [`${directory}/busybox.tar`, `${directory}/pause.tar`], wasBuilt };
}

async function writeRoot(root: string, context: ImageContext): Promise<void> {
  for (const directory of ['bin', 'etc', 'tmp']) mkdirSync(`${root}/${directory}`, { recursive: true });
  chmodSync(`${root}/tmp`, 0o1777);
  cpSync(context.busybox, `${root}/bin/busybox`);
  const applets = await run([context.busybox, '--list'], { signal: context.signal });
  for (const applet of applets.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', `${root}/bin/${applet}`);
  }
  for (const [file, content] of Object.entries(ACCOUNTS)) writeFileSync(`${root}/etc/${file}`, content);
}

async function buildArchive(
  workshop: string,
  name: string,
  image: keyof typeof CONTAINERFILES,
  { log, signal }: ImageContext,
): Promise<void> {
  const buildah = (...args: string[]): Command => [
    'buildah',
    '--storage-driver=vfs',
    `--root=${workshop}/storage`,
    `--runroot=${workshop}/runroot`,
    ...args,
  ];
  const containerfile = `${workshop}/${name}.Containerfile`;
  writeFileSync(containerfile, CONTAINERFILES[image]);
  const build = ['--isolation=chroot', '--timestamp=0', `--file=${containerfile}`, `--tag=${image}`];
  await run(buildah('bud', ...build, `${workshop}/context`), { log, signal });
  await run(buildah('push', image, `docker-archive:${workshop}/${name}.tar:${image}`), { log, signal });
}

/** Brings a docker-archive into the cluster's containerd. @returns what containerd says about it. */
export async function importImage(
  archive: string,
  entrance: Entrance,
  options: { log: string; signal: AbortSignal },
): Promise<string> {
  const ctr: Command = ['ctr', '-a', CONTAINERD_SOCKET, '-n', 'k8s.io', 'images', 'import', '-'];
  const input = openSync(archive, 'r'); // opened out here: the path may mean nothing inside
  try {
    return await run(buildEnterCommand(entrance, ctr), { ...options, input });
  } finally {
    closeSync(input);
  }
}
