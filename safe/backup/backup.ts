import { EngineError, type Engine, type SealedRecord, type StoredHead } from '../engines/engine.ts';
import { referenceKey, type SecretVersion } from '../secret.ts';
import { EnvelopeError, type Random } from './envelope.ts';
import {
  addTerm,
  digestTerm,
  openHead,
  removeTerm,
  sealHead,
  type HeadPrefix,
  type HeadState,
} from './head.ts';
import { createKeyring, createSeeds, rootKeyId, wrapKeyring, type Keyring, type RootKey } from './keyring.ts';
import { openRecord, sealRecord } from './record.ts';
import { StoreError } from './store-error.ts';

/** Where one version of a secret lies in the backup: what it takes to forget it later. */
export interface Place {
  readonly seq: number;
  readonly version: number;
  /** What the record adds to the set digest. */
  readonly term: bigint;
}

/** A secret as it was loaded: its newest version, and the places of all that are kept, oldest first. */
export interface LoadedSecret {
  readonly current: SecretVersion;
  readonly places: readonly Place[];
}

export interface Backup {
  readonly storeId: Buffer;
  readonly loaded: readonly LoadedSecret[];

  /**
   * Seals `put` and makes them durable, and the records of `forget` gone, in one step. One call at a time.
   *
   * @returns the places of `put`, in its order.
   * @throws EngineError when nothing of it was made durable (`full`, `conflict`) or that is not known (`failed`).
   */
  save(put: readonly SecretVersion[], forget: readonly Place[]): Promise<Place[]>;
}

/** The root key of a store that exists, or of one that is about to be made. Throws StoreError `root_key_missing`. */
export type ObtainRootKey = (storeExists: boolean) => Promise<RootKey>;

/**
 * Opens every record that `engine` holds and proves that they are the ones that were acknowledged; makes a new store when
 * there is none.
 *
 * @throws StoreError saying what is wrong. Nothing is written then.
 */
export async function openBackup(
  engine: Engine,
  obtainRootKey: ObtainRootKey,
  random: Random,
): Promise<Backup> {
  try {
    const { head, pages } = await engine.load();
    const rootKey = await obtainRootKey(head !== undefined);
    if (head !== undefined) return await openExisting(engine, head, pages, { rootKey, random });
    for await (const page of pages)
      if (page.length > 0) throw new StoreError('damaged', 'the store has records but no head');
    return await createNew(engine, rootKey, random);
  } catch (error) {
    throw error instanceof EngineError ? explain(error) : error;
  }
}

/** What an operator has to do depends on it: only the first two are about what is in the file. */
function explain({ code, message }: EngineError): StoreError {
  if (code === 'not_a_store') return new StoreError('damaged', `the store could not be read (${message})`);
  if (code === 'newer') return new StoreError('newer_format', message);
  if (code === 'in_use') return new StoreError('in_use', 'another process has the store open');
  return new StoreError('unreadable', `the store could not be opened (${message}); look at its volume`);
}

async function createNew(engine: Engine, rootKey: RootKey, random: Random): Promise<Backup> {
  const seeds = createSeeds(random);
  const prefix = { rootKeyId: rootKeyId(rootKey), wrappedKeyring: wrapKeyring(rootKey, seeds, random) };
  const writer = createWriter(engine, { keyring: createKeyring(seeds), prefix, random });
  await writer.save([], []);
  return { storeId: seeds.storeId, loaded: [], save: writer.save };
}

async function openExisting(
  engine: Engine,
  head: StoredHead,
  pages: AsyncIterable<readonly SealedRecord[]>,
  { rootKey, random }: { rootKey: RootKey; random: Random },
): Promise<Backup> {
  const { keyring, prefix, state } = openHead(head.sealed, head.revision, rootKey);
  const secrets = new Map<string, LoadedSecret>();
  let found = { count: 0, digest: 0n };
  for await (const page of pages) {
    for (const record of page) {
      const { secret, place } = openKept(keyring, record);
      found = { count: found.count + 1, digest: addTerm(found.digest, place.term) };
      keepNewest(secrets, secret, place);
    }
  }
  verifySet(found, state);
  const writer = createWriter(engine, { keyring, prefix, random }, { state, revision: head.revision });
  return { storeId: keyring.storeId, loaded: [...secrets.values()], save: writer.save };
}

interface OpenedRecord {
  readonly secret: SecretVersion;
  readonly place: Place;
}

function openKept(keyring: Keyring, record: SealedRecord): OpenedRecord {
  const { seq, version, sealed } = record;
  try {
    return {
      secret: openRecord(keyring, record),
      place: { seq, version, term: digestTerm(keyring, seq, sealed) },
    };
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new StoreError('damaged', `record ${seq} was changed, moved or damaged`);
  }
}

/** Records come in order of sequence, so the next one of a secret is its newer version, and the older value can go. */
function keepNewest(secrets: Map<string, LoadedSecret>, secret: SecretVersion, place: Place): void {
  const known = secrets.get(referenceKey(secret));
  for (const value of known?.current.data.values() ?? []) value.wipe();
  secrets.set(referenceKey(secret), { current: secret, places: [...(known?.places ?? []), place] });
}

function verifySet(found: Pick<HeadState, 'count' | 'digest'>, state: HeadState): void {
  if (found.count === state.count && found.digest === state.digest) return;
  const counts = `the head counts ${state.count} records, the store has ${found.count}`;
  throw new StoreError('damaged', `records are missing, doubled or left over (${counts})`);
}

interface Sealing {
  readonly keyring: Keyring;
  readonly prefix: HeadPrefix;
  readonly random: Random;
}

interface Progress {
  readonly state: HeadState;
  readonly revision: number;
}

const NOTHING_YET: Progress = { state: { seq: 0, count: 0, digest: 0n }, revision: 0 };

function createWriter(engine: Engine, sealing: Sealing, start = NOTHING_YET): Pick<Backup, 'save'> {
  const { keyring, prefix, random } = sealing;
  let { state, revision } = start;
  return {
    save: async (put, forget) => {
      const records = put.map((secret, index) => sealRecord(keyring, secret, state.seq + 1 + index, random));
      const places = records.map(({ seq, version, sealed }) => ({
        seq,
        version,
        term: digestTerm(keyring, seq, sealed),
      }));
      const next = advance(state, places, forget);
      const head = sealHead(keyring, prefix, next, { revision: revision + 1, random });
      await engine.commit({ put: records, remove: forget.map(({ seq }) => seq), head }, revision);
      state = next;
      revision += 1;
      return places;
    },
  };
}

function advance(state: HeadState, put: readonly Place[], forget: readonly Place[]): HeadState {
  const added = put.reduce((sum, { term }) => addTerm(sum, term), state.digest);
  return {
    seq: state.seq + put.length,
    count: state.count + put.length - forget.length,
    digest: forget.reduce((sum, { term }) => removeTerm(sum, term), added),
  };
}
