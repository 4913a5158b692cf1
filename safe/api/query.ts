import { AppError } from '../../shared/errors.ts';

/**
 * The parameters of a query string, each value in order.
 *
 * @throws AppError `invalid_request` for a parameter that is not in `known`: a misspelt filter must not widen an answer.
 */
export function parseQuery(search: string, known: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const parameters = new URLSearchParams(search);
  for (const name of parameters.keys()) {
    if (!known.includes(name))
      throw new AppError('invalid_request', `the query knows only ${known.join(', ')}`);
  }
  return new Map(known.map((name) => [name, parameters.getAll(name)]));
}

/** The only value of a parameter that may be given once. */
export function single(query: ReadonlyMap<string, readonly string[]>, name: string): string | undefined {
  const values = query.get(name) ?? [];
  if (values.length > 1) throw new AppError('invalid_request', `${name} may be given once`);
  return values[0];
}
