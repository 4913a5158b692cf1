/** Whether everything in `part` is in `whole` too. An object may have more fields, a list must be the same. */
export function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      whole.length === part.length &&
      part.every((item, index) => contains(whole[index], item))
    );
  }
  if (!isObject(part)) return whole === part;
  return isObject(whole) && Object.entries(part).every(([key, value]) => contains(whole[key], value));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
