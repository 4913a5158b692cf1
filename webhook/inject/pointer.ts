import jsonpatch, { type AddOperation } from 'fast-json-patch';

/** A JSON pointer (RFC 6901): `~` in a segment becomes `~0`, and `/` becomes `~1`. */
export const pointer = (...segments: readonly (string | number)[]): string =>
  segments.map((segment) => `/${jsonpatch.escapePathComponent(String(segment))}`).join('');

/**
 * Adds `values` at the end of the list at `path`. A list that is there is added to, never replaced: what others put in it
 * must stay. One that is missing is made. Call it once per path, or the second call undoes the first.
 */
export function append(
  path: string,
  existing: readonly unknown[] | null | undefined,
  values: readonly unknown[],
): readonly AddOperation<unknown>[] {
  if (values.length === 0) return [];
  if (existing === null || existing === undefined) return [{ op: 'add', path, value: values }];
  return values.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}
