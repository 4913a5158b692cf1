import type { SecretReference } from '../shared/grammar.ts';
import type { LoadedSecret, Place } from './backup/backup.ts';
import { compareCodeUnits, referenceKey, type SecretVersion } from './secret.ts';

export interface Page {
  readonly items: readonly SecretVersion[];
  readonly isLast: boolean;
}

/** Every secret in memory, by namespace and name. Only the store's write path changes it. */
export interface SecretTable {
  /** The newest version, a deletion included: it carries the number that comes next. */
  newest(reference: SecretReference): LoadedSecret | undefined;
  /** Secrets of one namespace or all, in order of their {@link referenceKey} and after `after`. */
  list(namespace: string | undefined, after: string, limit: number): Page;
  /** Every secret of a namespace, in order. */
  inNamespace(namespace: string): readonly SecretVersion[];
  count(): number;
  /** Makes the last of `added` the newest version, and overwrites the values of those before it. */
  apply(added: readonly SecretVersion[], places: readonly Place[]): void;
}

export function createSecretTable(loaded: readonly LoadedSecret[]): SecretTable {
  const namespaces = new Map<string, Map<string, LoadedSecret>>();

  function set(entry: LoadedSecret): void {
    const { namespace, name } = entry.current;
    const secrets = namespaces.get(namespace) ?? new Map<string, LoadedSecret>();
    namespaces.set(namespace, secrets.set(name, entry));
  }

  const newest = ({ namespace, name }: SecretReference) => namespaces.get(namespace)?.get(name);

  function present(namespace?: string): SecretVersion[] {
    const chosen =
      namespace === undefined
        ? [...namespaces.values()]
        : [namespaces.get(namespace) ?? new Map<string, LoadedSecret>()];
    return chosen.flatMap((secrets) => [...secrets.values()].map(({ current }) => current)).filter(isPresent);
  }

  loaded.forEach(set);
  return {
    newest,
    list: (namespace, after, limit) => {
      const secrets = present(namespace)
        .filter((secret) => referenceKey(secret) > after)
        .sort(inOrder);
      return { items: secrets.slice(0, limit), isLast: secrets.length <= limit };
    },
    inNamespace: (namespace) => present(namespace).sort(inOrder),
    count: () => present().length,
    apply: (added, places) => {
      const current = added.at(-1);
      if (current === undefined) return;
      const before = newest(current)?.current;
      set({ current, places });
      for (const old of [before, ...added.slice(0, -1)]) wipe(old);
    },
  };
}

const isPresent = ({ deleted }: SecretVersion) => !deleted;

const inOrder = (a: SecretVersion, b: SecretVersion) => compareCodeUnits(referenceKey(a), referenceKey(b));

function wipe(secret: SecretVersion | undefined): void {
  for (const value of secret?.data.values() ?? []) value.wipe();
}
