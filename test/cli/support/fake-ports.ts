import type { CommandPorts } from '../../../cli/ports.ts';
import type { NewVersion, SafeClient } from '../../../cli/safe-client.ts';
import type { SecretMetadata } from '../../../shared/api.ts';
import { METADATA } from './fake-safe.ts';

export interface FakePorts extends CommandPorts {
  /** What was written, standard output and standard error. */
  readonly written: { out: string; err: string };
  /** What was put, in order. */
  readonly puts: NewVersion[];
}

/** Ports of a command on a Safe that holds `current`, in a context whose namespace is `shop`. */
export function fakePorts(current?: SecretMetadata, changes: Partial<SafeClient> = {}): FakePorts {
  const written = { out: '', err: '' };
  const puts: NewVersion[] = [];
  const safe: SafeClient = {
    get: () => Promise.resolve(current),
    put: (secret, version) => {
      puts.push(version);
      const readers = version.readers?.map(({ serviceAccount, namespace = secret.namespace }) => ({
        serviceAccount,
        namespace,
      }));
      return Promise.resolve({
        ...METADATA,
        ...secret,
        version: (current?.version ?? 0) + 1,
        keys: [...version.data.keys()],
        readers: readers ?? current?.readers ?? [],
      });
    },
    delete: () => Promise.resolve(),
    list: () => Promise.resolve(current === undefined ? [] : [current]),
    close: () => undefined,
    ...changes,
  };
  return {
    written,
    puts,
    useSafe: (_options, use) => use({ safe, namespace: 'shop' }),
    out: (text) => (written.out += text),
    err: (line) => (written.err += `${line}\n`),
    now: () => new Date('2026-11-24T12:30:00Z'),
  };
}
