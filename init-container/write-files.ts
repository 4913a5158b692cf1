import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Failure } from './failure.ts';
import { listDirectories, type RenderedFile } from './render.ts';
import { DATA_LINK, NEW_LINK, OWN_DIRECTORY_MODE, removeTree, setDirectoryMode, tidy } from './volume.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

const FILE_MODE = 0o444;
const DIRECTORY_MODE = 0o555;

/**
 * Makes `files` the content of the volume at `directory`, all of them at one moment, as the kubelet's AtomicWriter does:
 * a new directory is filled, then the link `..data` is renamed onto it. What was there before is removed afterwards. When
 * it fails, what was there stays as it was.
 *
 * Nothing is synced: memory has no disk to wait for. No existing path is opened for writing and no link is followed, so
 * whatever was planted in the volume, nothing outside of it is touched. There must be one writer at a time.
 *
 * @throws Failure `volume_full` or `volume_not_writable`.
 */
export function writeFiles(directory: string, files: readonly RenderedFile[], now: Date): void {
  try {
    tidy(directory); // a run that was killed left its half behind, which may be what fills the volume
    const version = mkdtempSync(`${directory}/..${formatTime(now)}.`);
    fill(version, files);
    linkNames(directory, files);
    putLink(directory, DATA_LINK, version.slice(directory.length + 1));
    tidy(directory);
  } catch (error) {
    tidyAfter(error, directory);
    throw explain(error, directory, files);
  }
}

/** `2026_11_24_07_31_02`; with the dots around it, what the kubelet names its own. */
const formatTime = (time: Date): string => time.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_');

function fill(version: string, files: readonly RenderedFile[]): void {
  const directories = [...new Set(files.flatMap(({ path }) => listDirectories(path)))];
  for (const directory of directories) mkdirSync(`${version}/${directory}`, OWN_DIRECTORY_MODE);
  for (const file of files) writeNewFile(version, file);
  for (const directory of directories) setDirectoryMode(`${version}/${directory}`, DIRECTORY_MODE);
  setDirectoryMode(version, DIRECTORY_MODE);
}

function writeNewFile(version: string, { path, content }: RenderedFile): void {
  if (!isInside(path)) throw new Error('a path that leads out of the volume');
  const fd = openSync(`${version}/${path}`, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  try {
    fchmodSync(fd, FILE_MODE); // whatever the umask is
    writeFileSync(fd, content.reveal());
  } finally {
    closeSync(fd);
  }
}

/** Names were checked when they arrived; this is for the day that one comes from somewhere else. */
const isInside = (path: string): boolean =>
  !path.startsWith('..') && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');

/** They lead nowhere until `..data` does; and once they are there, no name ever has to change when a value does. */
function linkNames(directory: string, files: readonly RenderedFile[]): void {
  const names = new Set(files.map(({ path }) => path.split('/', 1).join('')));
  for (const name of names) putLink(directory, name, `${DATA_LINK}/${name}`);
}

/** Puts a link in the place of whatever is there, at one moment unless that is a directory, which only a stranger makes. */
function putLink(directory: string, name: string, target: string): void {
  symlinkSync(target, `${directory}/${NEW_LINK}`);
  const current = lstatSync(`${directory}/${name}`, { throwIfNoEntry: false });
  if (current?.isDirectory()) removeTree(`${directory}/${name}`);
  renameSync(`${directory}/${NEW_LINK}`, `${directory}/${name}`);
}

function tidyAfter(error: unknown, directory: string): void {
  if (error instanceof Failure) return;
  try {
    tidy(directory);
  } catch {
    // The first error is the one to tell; the next run tidies before it writes.
  }
}

/** Full: no block, no inode, or no quota left. */
const FULL = ['ENOSPC', 'EDQUOT'];
const NOT_WRITABLE = ['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'ELOOP', 'EBUSY', 'EIO'];

function explain(error: unknown, directory: string, files: readonly RenderedFile[]): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (FULL.includes(code)) {
    const bytes = files.reduce((sum, { content }) => sum + content.byteLength, 0);
    return new Failure(
      'volume_full',
      `the memory volume of this pod's secrets is too small for ${files.length} files of ${bytes} bytes (${code}); ` +
        'the owner of the pod has to ask for fewer secrets or a larger volume',
    );
  }
  if (!NOT_WRITABLE.includes(code)) return error;
  return new Failure(
    'volume_not_writable',
    `the volume of this pod's secrets at ${directory} cannot be written (${code}); ` +
      'whoever runs Sotto has to find what changes the volume sotto-secrets or its mount',
  );
}
