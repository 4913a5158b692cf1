import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './build-error.ts';
import { runCommand } from './run-command.ts';

/** Programs of Debian that the image is made with, and the package that has each. */
const PACKAGE_OF = { buildah: 'buildah', strip: 'binutils', 'dpkg-deb': 'dpkg', tar: 'tar' } as const;

/**
 * Installs what is missing, after saying so.
 *
 * @throws BuildError without apt, or without the right to use it.
 */
export async function provideTools(
  searchPath: string,
  isRoot: boolean,
  say: (line: string) => void,
): Promise<void> {
  const find = (program: string): boolean =>
    searchPath.split(':').some((directory) => isProgram(join(directory, program)));
  if (!find('apt-get')) {
    throw new BuildError(
      'the image is made of Debian packages, so it needs Debian and apt-get; `make check` works without',
    );
  }
  const missing = Object.entries(PACKAGE_OF).flatMap(([program, name]) => (find(program) ? [] : [name]));
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (!isRoot) throw new BuildError(`${names} is missing; as root, run: apt-get install ${names}`);
  say(`installing ${names} with apt-get`);
  const install = () =>
    runCommand(['apt-get', 'install', '--yes', '--quiet=2', '--no-install-recommends', ...missing]);
  await install().catch(async () => {
    await runCommand(['apt-get', 'update', '--quiet=2']);
    return install();
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: either way not to be run
  }
}
