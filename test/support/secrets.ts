import type { SecretVersion } from '../../safe/secret.ts';
import { SecretValue } from '../../shared/secret-value.ts';

export const value = (text: string): SecretValue => new SecretValue(Buffer.from(text));

export const dataOf = (values: Readonly<Record<string, string>>): Map<string, SecretValue> =>
  new Map(Object.entries(values).map(([key, text]) => [key, value(text)]));

/** What a map of secret values holds, for comparing. */
export const revealed = (data: ReadonlyMap<string, SecretValue>): Record<string, string> =>
  Object.fromEntries([...data].map(([key, secret]) => [key, secret.reveal().toString()]));

/** `shop/db` at version 1 with one key and one reader, but for what is given. */
export const secretVersion = (changes: Partial<SecretVersion> = {}): SecretVersion => ({
  namespace: 'shop',
  name: 'db',
  version: 1,
  deleted: false,
  data: dataOf({ password: 'hunter2' }),
  readers: [{ namespace: 'shop', serviceAccount: 'api' }],
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_000_000,
  ...changes,
});
