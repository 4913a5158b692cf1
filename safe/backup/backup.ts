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
  const { head, records } = await loadState(engine);
  const rootKey = await obtainRootKey(head !== undefined);
  if (head !== undefined) return openExisting(engine, head, records, { rootKey, random });
  if (records.length > 0) throw new StoreError('damaged', 'the store has records but no head');
  return createNew(engine, rootKey, random);
}

async function loadState(engine: Engine): ReturnType<Engine['load']> {
  try {
    return await engine.load();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 'in_use') throw new StoreError('in_use', 'another process has the store open');
    throw new StoreError('damaged', `the store could not be read (${error.message})`);
  }
}

async function createNew(engine: Engine, rootKey: RootKey, random: Random): Promise<Backup> {
  const seeds = createSeeds(random);
  const prefix = { rootKeyId: rootKeyId(rootKey), wrappedKeyring: wrapKeyring(rootKey, seeds, random) };
  const writer = createWriter(engine, { keyring: createKeyring(seeds), prefix, random });
  await writer.save([], []);
  return { storeId: seeds.storeId, loaded: [], save: writer.save };
}

function openExisting(
  engine: Engine,
  head: StoredHead,
  records: readonly SealedRecord[],
  { rootKey, random }: { rootKey: RootKey; random: Random },
): Backup {
  const { keyring, prefix, state } = openHead(head.sealed, head.revision, rootKey);
  const opened = records.map((record) => openKept(keyring, record));
  verifySet(opened, state);
  const writer = createWriter(engine, { keyring, prefix, random }, { state, revision: head.revision });
  return { storeId: keyring.storeId, loaded: groupBySecret(opened), save: writer.save };
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

function verifySet(opened: readonly OpenedRecord[], state: HeadState): void {
  const digest = opened.reduce((sum, { place }) => addTerm(sum, place.term), 0n);
  if (opened.length === state.count && digest === state.digest) return;
  const found = `the head counts ${state.count} records, the store has ${opened.length}`;
  throw new StoreError('damaged', `records are missing, doubled or left over (${found})`);
}

/** Records arrive in order of sequence, so the last one of a secret is its newest version. */
function groupBySecret(opened: readonly OpenedRecord[]): LoadedSecret[] {
  const secrets = new Map<string, { current: SecretVersion; places: Place[] }>();
  for (const { secret, place } of opened) {
    const key = referenceKey(secret);
    const known = secrets.get(key);
    for (const value of known?.current.data.values() ?? []) value.wipe();
    secrets.set(key, { current: secret, places: [...(known?.places ?? []), place] });
  }
  return [...secrets.values()];
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
