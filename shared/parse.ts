import * as v from 'valibot';
import { AppError } from './errors.ts';

const MAX_CLAUSES = 10;
const MAX_FIELD_LENGTH = 120;

/**
 * Checks `input` against `schema`.
 *
 * @throws AppError `invalid_request` with a clause for every field that is wrong, at most ten. It names fields and what
 * is expected, never what was found. Every `v.check`, `v.regex`, … of ours therefore carries its own message, a clause
 * such as `must be a DNS-1123 label`; the library's own text quotes the input and is never passed on.
 * `abortEarly` stops at the first wrong field: for large input from strangers, where the library would otherwise keep
 * 600 bytes for each wrong element (measured: 2.5 GB for an array of 8 MiB). `abortPipeEarly` stops the checks of one
 * field at the first that fails, so that a length is checked before the elements.
 */
export function parse<const S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  options: { readonly abortEarly?: boolean; readonly abortPipeEarly?: boolean } = {},
): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, input, options);
  if (success) return output;
  const clauses = issues.slice(0, MAX_CLAUSES).map(describe);
  if (issues.length > MAX_CLAUSES) clauses.push(`and ${issues.length - MAX_CLAUSES} more`);
  throw new AppError('invalid_request', clauses.join('; '));
}

function describe(issue: v.BaseIssue<unknown>): string {
  const field = (v.getDotPath(issue) ?? 'the document').slice(0, MAX_FIELD_LENGTH);
  if (issue.received === 'undefined') return `${field} is missing`;
  if (issue.expected === 'never') return `${isWord(field) ? field : 'a field'} is not a known field`;
  if (issue.type === 'custom') return `${field} ${issue.message}`;
  if (issue.kind === 'schema') return `${field} must be ${article(issue.expected ?? 'valid')}`;
  return `${field} ${issue.message.startsWith('Invalid') ? 'is not valid' : issue.message}`;
}

/** What somebody named a field is repeated only when it can be a name: a value in its place must not come back. */
const isWord = (field: string) => /^[a-zA-Z_]{1,60}(?:\.(?:[0-9]{1,4}|[a-zA-Z_]{1,40})){0,4}$/.test(field);

const article = (type: string) => `${/^[aeiouAEIOU]/.test(type) ? 'an' : 'a'} ${type.toLowerCase()}`;
