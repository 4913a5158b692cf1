import { isDnsLabel, isDnsSubdomain, parseSecretReference } from '../shared/grammar.ts';
import type { Format } from '../shared/init-config.ts';
import { ANNOTATION_PREFIX, DEFAULT_MOUNT_PATH, INIT_CONTAINER } from '../shared/names.ts';
import { isMountPath, isSystemPath } from './mount-path.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';

/** The closed set, without prefix; and one open family, `format.<secret>`. */
const NAMES = ['inject', 'secrets', 'format', 'containers', 'mount-path', 'timeout'] as const;
type Name = (typeof NAMES)[number];

const FORMAT_PREFIX = 'format.';

const FORMATS: readonly Format[] = ['files', 'json'];
const MAX_ENTRIES = 100;
/** What the names of a request to Safe may take of the 16 KiB that its server reads as headers. */
const MAX_LIST_LENGTH = 8192;
const DEFAULT_TIMEOUT = '2m';
const MAX_TIMEOUT_MS = 60 * 60 * 1000;
/** Enough to start with; a tenant can write a hundred thousand. */
const MAX_UNKNOWN = 10;

/** What a pod asks for. All of it is a choice among what its service account may have anyway. */
export interface Wish {
  /** `db` of the pod's own namespace, or `payments/stripe`; empty means every secret of the pod's namespace that its service account may read. */
  readonly secrets: readonly string[];
  readonly format: Format;
  /** Exceptions, by the spelling in `secrets`. */
  readonly formats: Readonly<Record<string, Format>>;
  /** Empty means every application container. */
  readonly containers: readonly string[];
  readonly mountPath: string;
  readonly timeoutMs: number;
}

export interface ParsedAnnotations {
  /** What is wrong has its default here. */
  readonly wish: Wish;
  readonly problems: readonly Problem[];
  /** The annotations, without prefix, that `problems` is about. */
  readonly wrong: ReadonlySet<string>;
}

type Annotations = Readonly<Record<string, string>>;
type Report = (name: string, clause: string, reason?: Problem['reason']) => void;

/**
 * Reads every `sotto.dev/` annotation and reports everything that is wrong with them, not only the first.
 *
 * `format.<secret>` names a secret of another namespace with a dot, because an annotation's key holds one slash only:
 * `payments/stripe` is `sotto.dev/format.payments.stripe`. It must fit exactly one entry of `sotto.dev/secrets`; without
 * that list it can only mean a secret of the pod's own namespace.
 */
export function parseAnnotations(annotations: Annotations, namespace: string): ParsedAnnotations {
  const problems: Problem[] = [];
  const wrong = new Set<string>();
  const report: Report = (name, clause, reason = 'invalid_annotation') => {
    wrong.add(name);
    problems.push({ reason, clause: `${ANNOTATION_PREFIX}${name} ${clause}` });
  };
  const text = (name: Name): string | undefined => annotations[ANNOTATION_PREFIX + name];

  refuseUnknown(annotations, report);
  if (text('inject') === undefined) report('inject', 'is missing; it must be "true" or "false"');
  else if (text('inject') !== 'true') report('inject', 'must be "true" or "false"');
  const secrets = readSecrets(text('secrets'), namespace, report);
  const wish: Wish = {
    secrets,
    format: readFormat('format', text('format'), report),
    formats: wrong.has('secrets') ? {} : readFormats(annotations, secrets, report),
    containers: readContainers(text('containers'), report),
    mountPath: readMountPath(text('mount-path'), report),
    timeoutMs: readTimeout(text('timeout'), report),
  };
  return { wish, problems, wrong };
}

/** A misspelt annotation must not start a pod without its secrets. */
function refuseUnknown(annotations: Annotations, report: Report): void {
  const unknown = Object.keys(annotations)
    .filter((key) => key.startsWith(ANNOTATION_PREFIX))
    .map((key) => key.slice(ANNOTATION_PREFIX.length))
    .filter((name) => !NAMES.some((known) => known === name) && !name.startsWith(FORMAT_PREFIX));
  for (const name of unknown.slice(0, MAX_UNKNOWN)) {
    const meant = isKeyName(name) ? nearest(name, NAMES) : undefined;
    const hint = meant === undefined ? `there are ${NAMES.join(', ')}` : `did you mean ${meant}?`;
    report(quotable(name), `is not an annotation of Sotto (${hint})`, 'unknown_annotation');
  }
}

function readSecrets(text: string | undefined, namespace: string, report: Report): readonly string[] {
  if (text === undefined) return [];
  const entries = readList('secrets', text, report);
  // An empty value, as an unset variable of a template makes one, must not widen what a pod gets.
  if (text.trim() === '')
    report('secrets', 'must name a secret; without it all readable ones of the namespace are meant');
  const spelled = entries.map((entry) => {
    const reference = parseSecretReference(entry, namespace);
    return reference?.namespace === namespace ? reference.name : reference && entry;
  });
  return checkEntries('secrets', spelled, '<secret> or <namespace>/<secret>', report);
}

function readContainers(text: string | undefined, report: Report): readonly string[] {
  if (text === undefined) return [];
  const entries = readList('containers', text, report);
  if (entries.length === 0) report('containers', 'must name a container; without it all of them are meant');
  const names = entries.map((entry) => (isDnsLabel(entry) && entry !== INIT_CONTAINER ? entry : undefined));
  return checkEntries('containers', names, 'the name of a container of yours', report);
}

/** `a, b`: blanks around an entry mean nothing, so that a list can be written over several lines of YAML. */
function readList(name: Name, text: string, report: Report): readonly string[] {
  if (text.trim() === '') return [];
  const entries = text.length > MAX_LIST_LENGTH ? [] : text.split(',').map((entry) => entry.trim());
  if (entries.length >= 1 && entries.length <= MAX_ENTRIES) return entries;
  report(name, `must have at most ${MAX_ENTRIES} entries and ${MAX_LIST_LENGTH} characters`);
  return [];
}

/** Says by number which entries are outside the grammar, given as undefined, and which repeat an earlier one. */
function checkEntries(
  name: Name,
  entries: readonly (string | undefined)[],
  grammar: string,
  report: Report,
): readonly string[] {
  const numbers = entries.map((_, index) => index + 1);
  const foreign = numbers.filter((number) => entries[number - 1] === undefined);
  const repeated = numbers.filter((number) => {
    const entry = entries[number - 1];
    return entry !== undefined && entries.indexOf(entry) < number - 1;
  });
  if (foreign.length > 0) report(name, `must list ${grammar}; entry ${foreign.join(', ')} is something else`);
  if (repeated.length > 0)
    report(name, `must list nothing twice; entry ${repeated.join(', ')} is there before`);
  return [...new Set(entries)].filter((entry) => entry !== undefined);
}

function readFormat(name: string, text: string | undefined, report: Report): Format {
  const format = FORMATS.find((known) => known === text);
  if (format !== undefined || text === undefined) return format ?? 'files';
  report(name, `must be one of ${FORMATS.join(', ')}`);
  return 'files';
}

function readFormats(annotations: Annotations, secrets: readonly string[], report: Report): Wish['formats'] {
  const prefix = ANNOTATION_PREFIX + FORMAT_PREFIX;
  const keys = Object.keys(annotations).filter((key) => key.startsWith(prefix));
  if (keys.length > MAX_ENTRIES) report('format.<secret>', `must occur at most ${MAX_ENTRIES} times`);
  const entries = keys.slice(0, MAX_ENTRIES).flatMap((key): [string, Format][] => {
    const name = quotable(key.slice(ANNOTATION_PREFIX.length));
    const format = readFormat(name, annotations[key], report);
    const [secret, other] = secretsNamed(key.slice(prefix.length), secrets);
    if (secret === undefined) report(name, secrets.length === 0 ? NO_SECRET : NOT_LISTED);
    if (other !== undefined) report(name, FITS_TWO);
    return secret === undefined ? [] : [[secret, format]];
  });
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

const NO_SECRET = 'must end in the name of a secret';
const NOT_LISTED = 'must end in the name of a secret that sotto.dev/secrets lists';
const FITS_TWO = 'fits two of the secrets that sotto.dev/secrets lists; use sotto.dev/format instead';

const secretsNamed = (suffix: string, secrets: readonly string[]): readonly string[] =>
  secrets.length === 0
    ? [suffix].filter(isDnsSubdomain)
    : secrets.filter((secret) => secret.replace('/', '.') === suffix);

function readMountPath(text = DEFAULT_MOUNT_PATH, report: Report): string {
  if (!isMountPath(text)) report('mount-path', NOT_A_PATH);
  else if (isSystemPath(text)) report('mount-path', A_SYSTEM_PATH);
  else return text;
  return DEFAULT_MOUNT_PATH;
}

const NOT_A_PATH =
  'must be an absolute path of at most 255 letters, digits and "/._-", without "." or ".." as a part';
const A_SYSTEM_PATH = 'must not be, hide or lie in a directory of the system, such as /etc, /usr or /proc';

function readTimeout(text = DEFAULT_TIMEOUT, report: Report): number {
  const [, digits, unit] = /^([1-9]\d{0,3})([sm])$/.exec(text) ?? [];
  const timeoutMs = Number(digits) * (unit === 'm' ? 60_000 : 1000);
  if (timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  report('timeout', 'must be whole seconds or minutes from 1s to 60m, such as 90s or 2m');
  return readTimeout(DEFAULT_TIMEOUT, report);
}

/** The grammar of the part after the slash in a Kubernetes annotation's key. */
const isKeyName = (text: string): boolean => text.length <= 63 && /^[-._a-zA-Z0-9]+$/.test(text);

const quotable = (name: string): string =>
  isKeyName(name) ? name : '<a key that Kubernetes does not allow>';
