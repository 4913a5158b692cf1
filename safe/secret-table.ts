import type { SecretReference } from '../shared/grammar.ts';
import type { LoadedSecret, Place } from './backup/backup.ts';
import { compareCodeUnits, referenceKey, type SecretVersion } from './secret.ts';

export interface Page {
  readonly items: readonly SecretVersion[];
  readonly isLast: boolean;
}

/** Every secret in memory, by name and by who may read it. Only the store's write path changes it. */
export interface SecretTable {
  /** The newest version, a deletion included: it carries the number that comes next. */
  newest(reference: SecretReference): LoadedSecret | undefined;
  /** Secrets in order of namespace and name, of one namespace or all, after `after` (a {@link referenceKey}). */
  list(namespace: string | undefined, after: string, limit: number): Page;
  /** Every secret that some reader of `namespace` may fetch, in order; who exactly is for `access.ts` to say. */
  sharedWith(namespace: string): readonly SecretVersion[];
  count(): number;
  /** Makes the last of `added` the newest version, and overwrites the values of those before it. */
  apply(added: readonly SecretVersion[], places: readonly Place[]): void;
}

export function createSecretTable(loaded: readonly LoadedSecret[]): SecretTable {
  const entries = new Map(loaded.map((entry) => [referenceKey(entry.current), entry]));
  const readers = createReaderIndex();
  for (const { current } of loaded) readers.add(current);

  return {
    newest: (reference) => entries.get(referenceKey(reference)),
    list: (namespace, after, limit) => {
      const secrets = [...entries]
        .filter(([key, { current }]) => key > after && isListed(current, namespace))
        .sort(([a], [b]) => compareCodeUnits(a, b))
        .map(([, { current }]) => current);
      return { items: secrets.slice(0, limit), isLast: secrets.length <= limit };
    },
    sharedWith: (namespace) => readers.of(namespace),
    count: () => [...entries.values()].filter(({ current }) => !current.deleted).length,
    apply: (added, places) => {
      const current = added.at(-1);
      if (current === undefined) return;
      const before = entries.get(referenceKey(current))?.current;
      entries.set(referenceKey(current), { current, places });
      if (before !== undefined) readers.remove(before);
      readers.add(current);
      for (const old of [before, ...added.slice(0, -1)]) wipe(old);
    },
  };
}

const isListed = (secret: SecretVersion, namespace: string | undefined) =>
  !secret.deleted && (namespace === undefined || secret.namespace === namespace);

function wipe(secret: SecretVersion | undefined): void {
  for (const value of secret?.data.values() ?? []) value.wipe();
}

/** Which secrets name a reader of a namespace, so that a fetch looks at those and not at every secret there is. */
function createReaderIndex() {
  const byNamespace = new Map<string, Map<string, SecretVersion>>();
  return {
    add: (secret: SecretVersion) => {
      for (const { namespace } of secret.readers) {
        const shared = byNamespace.get(namespace) ?? new Map<string, SecretVersion>();
        byNamespace.set(namespace, shared.set(referenceKey(secret), secret));
      }
    },
    remove: (secret: SecretVersion) => {
      for (const { namespace } of secret.readers) byNamespace.get(namespace)?.delete(referenceKey(secret));
    },
    of: (namespace: string) =>
      [...(byNamespace.get(namespace) ?? [])]
        .sort(([a], [b]) => compareCodeUnits(a, b))
        .map(([, secret]) => secret),
  };
}
