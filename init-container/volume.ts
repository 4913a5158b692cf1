import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';

/** The one link that decides which files are seen: every name in the volume leads through it. */
export const DATA_LINK = '..data';

/** A link before it is renamed to its place. */
export const NEW_LINK = '..new';

/** Of a directory that only we have to enter: while it is filled, and before it is removed. */
export const OWN_DIRECTORY_MODE = 0o700;

/** A directory with one version of all files, such as `..2026_11_24_07_31_02.k3Jx0a`. */
const VERSION = /^\.\.\d{4}(?:_\d\d){5}\.[A-Za-z0-9]{6}$/;

/**
 * Removes what no reader can see any more: every version but the one that `..data` leads to, and the names that this one
 * does not have. What is not ours is left alone.
 */
export function tidy(directory: string): void {
  const current = readCurrentVersion(directory);
  const names = current === undefined ? [] : readdirSync(`${directory}/${current}`);
  for (const name of readdirSync(directory)) {
    const isOldVersion = VERSION.test(name) && name !== current;
    const isOldName = readLink(`${directory}/${name}`) === `${DATA_LINK}/${name}` && !names.includes(name);
    if (isOldVersion || isOldName || name === NEW_LINK) removeTree(`${directory}/${name}`);
  }
}

function readCurrentVersion(directory: string): string | undefined {
  const target = readLink(`${directory}/${DATA_LINK}`);
  return target !== undefined && VERSION.test(target) && isDirectory(`${directory}/${target}`)
    ? target
    : undefined;
}

function readLink(path: string): string | undefined {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return isLink ? readlinkSync(path) : undefined;
}

const isDirectory = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Removes a file, a link as such, or a directory and all below it, also where the mode forbids it to its owner. */
export function removeTree(path: string): void {
  if (!isDirectory(path)) {
    unlinkSync(path);
    return;
  }
  setDirectoryMode(path, OWN_DIRECTORY_MODE);
  for (const name of readdirSync(path)) removeTree(`${path}/${name}`);
  rmdirSync(path);
}

/** Through a descriptor: a link that has taken the place of the directory is refused and not followed. */
export function setDirectoryMode(path: string, mode: number): void {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}
