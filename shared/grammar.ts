/**
 * The grammar of names, one predicate each. Nothing is ever normalised: what does not match is refused, so two names
 * that look alike are two names. Every pattern is linear, and every length is checked before a pattern runs.
 */

const MAX_NAME_LENGTH = 253;
const MAX_KEY_LENGTH = 253;

/** Bytes of all keys and values of one secret together. */
export const MAX_SECRET_BYTES = 1024 * 1024;

/** RFC 1123 label: what a Kubernetes namespace is named. */
export const isDnsLabel = (text: string): boolean =>
  text.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(text);

/** RFC 1123 subdomain: what a secret and a service account are named. */
export const isDnsSubdomain = (text: string): boolean =>
  text.length <= MAX_NAME_LENGTH &&
  text.split('.').every((label) => /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(label));

/** A key of a secret is also a file name, so it is one path segment that cannot climb or hide behind `..data`. */
export const isSecretKey = (text: string): boolean =>
  text.length <= MAX_KEY_LENGTH && /^[-._a-zA-Z0-9]+$/.test(text) && text !== '.' && !text.startsWith('..');

/** Names one secret: `db` is the asker's own namespace, `payments/stripe` another one. */
export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/** The reference that `text` spells, seen from `namespace`; undefined when it is outside the grammar. */
export function parseSecretReference(text: string, namespace: string): SecretReference | undefined {
  const slash = text.indexOf('/');
  const reference =
    slash === -1
      ? { namespace, name: text }
      : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
  return isDnsLabel(reference.namespace) && isDnsSubdomain(reference.name) ? reference : undefined;
}
