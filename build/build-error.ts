/** Why nothing was built, for the person who typed `make`: what is wrong, then what to do. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}
