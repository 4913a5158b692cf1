import { AppError } from '../shared/errors.ts';
import type { SecretReference } from '../shared/grammar.ts';
import type { SecretValue } from '../shared/secret-value.ts';
import type { Backup, LoadedSecret, Place } from './backup/backup.ts';
import { EngineError, type EngineErrorCode } from './engines/engine.ts';
import { referenceKey, type Reader, type SecretVersion } from './secret.ts';
import { createSecretTable, type SecretTable } from './secret-table.ts';

/** How many versions of a secret are kept, the newest included. */
export const KEPT_VERSIONS = 10;

/** Writes that wait together are made durable together, up to this many. */
const MAX_BATCH = 256;

/** What the caller believes about the secret that is about to change. */
export type Precondition =
  { readonly kind: 'absent' } | { readonly kind: 'version'; readonly version: number };

/** What a change depends on besides the secret itself. */
export interface Terms {
  readonly precondition?: Precondition;
  /** The caller was allowed to create, or to replace, and to do nothing else. */
  readonly isNew?: boolean;
  /** Sees the version before it is made durable, and stops the change by throwing: for what has to be written down first. */
  readonly onDecided?: (version: SecretVersion) => void;
}

export interface NewVersion {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** Undefined keeps those of the version before; a secret that is new then has none. */
  readonly readers: readonly Reader[] | undefined;
}

export interface Store extends Pick<SecretTable, 'list' | 'inNamespace' | 'count'> {
  /** The newest version; undefined when there is none or it is a deletion. */
  get(reference: SecretReference): SecretVersion | undefined;
  /** @throws AppError `conflict`, `precondition_failed`, `insufficient_storage`, `unavailable`. Then nothing is changed. */
  put(reference: SecretReference, next: NewVersion, terms?: Terms): Promise<SecretVersion>;
  /** @throws AppError as `put`, and `not_found`. */
  delete(reference: SecretReference, terms?: Terms): Promise<SecretVersion>;
}

export interface StorePorts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The engine has another state than memory, or is gone: nothing can be written any more until everything is loaded again. */
  readonly onLost: (error: EngineError) => void;
}

const LOST: ReadonlySet<EngineErrorCode> = new Set(['conflict', 'gone']);

/** The secrets in memory. What was acknowledged is durable, and what is not durable was never visible. */
export function createStore(
  loaded: readonly LoadedSecret[],
  save: Backup['save'],
  { now, onLost }: StorePorts,
): Store {
  const table = createSecretTable(loaded);
  const write = createWritePath(table, (put, forget) =>
    save(put, forget).catch((error: unknown) => {
      if (error instanceof EngineError && LOST.has(error.code)) onLost(error);
      throw error;
    }),
  );
  return {
    list: table.list,
    inNamespace: table.inNamespace,
    count: table.count,
    get: (reference) => present(table.newest(reference)?.current),
    put: (reference, next, terms = {}) =>
      write(reference, (newest) => {
        checkTerms(present(newest), terms);
        return decided(nextVersion(reference, newest, next, now()), terms);
      }),
    delete: (reference, terms = {}) =>
      write(reference, (newest) => {
        const existing = present(newest);
        if (existing === undefined) {
          throw new AppError('not_found', `secret ${referenceKey(reference)} does not exist`);
        }
        checkTerms(existing, terms);
        return decided(deletion(existing, now()), terms);
      }),
  };
}

/** Makes the next version out of the newest one, or throws the AppError that refuses it. */
type Decide = (newest: SecretVersion | undefined) => SecretVersion;

interface Write {
  readonly reference: SecretReference;
  readonly decide: Decide;
  readonly resolve: (secret: SecretVersion) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One write at a time decides, and all that arrive while the disk is busy go into its next transaction together. A write
 * is durable first and visible second, never the other way round.
 */
function createWritePath(table: SecretTable, save: Backup['save']) {
  const waiting: Write[] = [];
  let isWriting = false;

  async function writeWaiting(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) await writeBatch(table, save, waiting.splice(0, MAX_BATCH));
    isWriting = false;
  }

  return (reference: SecretReference, decide: Decide): Promise<SecretVersion> =>
    new Promise((resolve, reject) => {
      waiting.push({ reference, decide, resolve, reject });
      if (!isWriting) void writeWaiting();
    });
}

/** What a batch does to one secret: versions to add in order, and the oldest to forget with the same commit. */
interface Staged {
  readonly added: readonly SecretVersion[];
  readonly kept: readonly Place[];
  readonly forget: readonly Place[];
}

async function writeBatch(table: SecretTable, save: Backup['save'], batch: readonly Write[]): Promise<void> {
  const staged = new Map<string, Staged>();
  const accepted = batch.flatMap((write) => {
    const version = stage(table, staged, write);
    return version === undefined ? [] : [{ write, version }];
  });
  const changes = [...staged.values()];
  if (changes.length === 0) return;
  try {
    const places = await save(
      changes.flatMap(({ added }) => added),
      changes.flatMap(({ forget }) => forget),
    );
    for (const { added, kept } of changes) table.apply(added, [...kept, ...places.splice(0, added.length)]);
  } catch (error) {
    for (const { write } of accepted) write.reject(refusal(error));
    return;
  }
  for (const { write, version } of accepted) write.resolve(version);
}

/** Decides one write on top of those before it in the batch; undefined when it is refused. */
function stage(table: SecretTable, staged: Map<string, Staged>, write: Write): SecretVersion | undefined {
  const entry = table.newest(write.reference);
  const key = referenceKey(write.reference);
  const { added, kept, forget } = staged.get(key) ?? { added: [], kept: entry?.places ?? [], forget: [] };
  try {
    const next = write.decide(added.at(-1) ?? entry?.current);
    const surplus = Math.min(kept.length, Math.max(0, kept.length + added.length + 1 - KEPT_VERSIONS));
    staged.set(key, {
      added: [...added, next],
      kept: kept.slice(surplus),
      forget: [...forget, ...kept.slice(0, surplus)],
    });
    return next;
  } catch (error) {
    write.reject(error as Error);
    return undefined;
  }
}

const present = (newest: SecretVersion | undefined) => (newest?.deleted === true ? undefined : newest);

function decided(version: SecretVersion, { onDecided }: Terms): SecretVersion {
  onDecided?.(version);
  return version;
}

function checkTerms(current: SecretVersion | undefined, { precondition, isNew }: Terms): void {
  if (precondition !== undefined) checkPrecondition(current, precondition);
  if (isNew === undefined || isNew === (current === undefined)) return;
  const change = current === undefined ? 'deleted' : 'created';
  throw new AppError('conflict', `the secret was ${change} by somebody else meanwhile; try again`);
}

function checkPrecondition(current: SecretVersion | undefined, precondition: Precondition): void {
  if (precondition.kind === 'absent' && current === undefined) return;
  if (precondition.kind === 'version' && current?.version === precondition.version) return;
  const state = current === undefined ? 'does not exist' : `is at version ${current.version}`;
  throw new AppError('precondition_failed', `the secret ${state}`);
}

function nextVersion(
  { namespace, name }: SecretReference,
  newest: SecretVersion | undefined,
  { data, readers }: NewVersion,
  now: number,
): SecretVersion {
  const before = present(newest);
  return {
    namespace,
    name,
    version: (newest?.version ?? 0) + 1,
    deleted: false,
    data,
    readers: readers ?? before?.readers ?? [],
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  };
}

const deletion = (existing: SecretVersion, now: number): SecretVersion => ({
  ...existing,
  version: existing.version + 1,
  deleted: true,
  data: new Map(),
  readers: [],
  updatedAt: now,
});

function refusal(error: unknown): Error {
  if (!(error instanceof EngineError)) return error as Error;
  return error.code === 'full'
    ? new AppError('insufficient_storage', 'the volume of Safe is full; an administrator has to enlarge it')
    : new AppError('unavailable', 'the change could not be made durable; try again');
}
