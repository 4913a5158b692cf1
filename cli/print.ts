import { stringify } from 'yaml';
import type { Reader, SecretMetadata } from '../shared/api.ts';
import { GROUP } from '../shared/names.ts';
import { renderTable } from './table.ts';
import { formatAge, formatSize } from './units.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'yaml', 'name'] as const;

export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const isOutputFormat = (text: string): text is OutputFormat =>
  (OUTPUT_FORMATS as readonly string[]).includes(text);

/** More keys or readers than this are counted instead of named, so that a row stays a row. */
const MAX_NAMED = 3;

/** As `-o name` prints it. */
export const resourceName = (name: string): string => `safesecret.${GROUP}/${name}`;

export interface TableOptions {
  readonly now: Date;
  /** Adds a NAMESPACE column. */
  readonly withNamespace: boolean;
}

/** One secret, or several as `{ items }`, in `format`. */
export function renderSecrets(
  secrets: SecretMetadata | readonly SecretMetadata[],
  format: OutputFormat,
  options: TableOptions,
): string {
  const items = 'version' in secrets ? [secrets] : secrets;
  if (format === 'name') return items.map((item) => `${resourceName(item.name)}\n`).join('');
  if (format === 'table') return renderSecretTable(items, options);
  return renderDocument('version' in secrets ? secrets : { items: secrets }, format);
}

export function renderDocument(document: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(document, null, 4)}\n` : stringify(document);
}

function renderSecretTable(items: readonly SecretMetadata[], { now, withNamespace }: TableOptions): string {
  const header = ['NAME', 'VERSION', 'KEYS', 'READERS', 'SIZE', 'AGE'];
  const rows = items.map((item) => [
    item.name,
    String(item.version),
    nameSome(item.keys),
    nameSome(item.readers.map((reader) => renderReader(reader, item.namespace))),
    formatSize(item.sizeBytes),
    formatAge(now.getTime() - Date.parse(item.createdAt)),
  ]);
  if (!withNamespace) return renderTable([header, ...rows]);
  return renderTable([
    ['NAMESPACE', ...header],
    ...rows.map((row, index) => [items[index]?.namespace ?? '', ...row]),
  ]);
}

/** A reader as `--reader` takes it, seen from the secret's own namespace. */
function renderReader({ namespace, serviceAccount }: Reader, secretNamespace: string): string {
  return namespace === undefined || namespace === secretNamespace
    ? serviceAccount
    : `${namespace}/${serviceAccount}`;
}

function nameSome(names: readonly string[]): string {
  if (names.length === 0) return '<none>';
  const rest = names.length - MAX_NAMED;
  return rest > 0 ? `${names.slice(0, MAX_NAMED).join(',')} +${rest} more` : names.join(',');
}

/** Text of others, on its way to a terminal: one line, no control character that could move the cursor or hide something. */
export function printable(text: string, maxLength = 500): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}
