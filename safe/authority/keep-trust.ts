import type { KeyPair } from '../../shared/serve.ts';
import {
  SAFE_HOST,
  TRUST_BUNDLE_CONFIG_MAP,
  WEBHOOK_CERTIFICATE_SECRET,
  WEBHOOK_HOST,
} from '../../shared/names.ts';
import type { OwnObjects, SecretData, WebhookConfiguration } from '../kube-objects.ts';
import { createAuthority, isCurrent, issueLeaf } from './authority.ts';

/** The Secret of the system namespace with the authority's certificate and key. */
const AUTHORITY_SECRET = 'sotto-authority';
const TLS_SECRET = 'kubernetes.io/tls';

/** What the Service of a program is called: Kubernetes' API server uses the first, a pod may use either. */
const dnsNames = (host: string) => [host, `${host}.cluster.local`];
export const SAFE_DNS_NAMES = dnsNames(SAFE_HOST);
const WEBHOOK_DNS_NAMES = dnsNames(WEBHOOK_HOST);

/** The authority from its Secret, made there once. What another process made first is used. */
export async function loadAuthority(objects: OwnObjects, now: Date): Promise<KeyPair> {
  const existing = toKeyPair(await objects.readSecret(AUTHORITY_SECRET));
  if (existing !== undefined) return existing;
  const { cert, key } = await createAuthority(now);
  await objects.createSecret(AUTHORITY_SECRET, TLS_SECRET, {
    'tls.crt': Buffer.from(cert),
    'tls.key': Buffer.from(key),
  });
  const made = toKeyPair(await objects.readSecret(AUTHORITY_SECRET));
  if (made === undefined) throw new Error(`Secret ${AUTHORITY_SECRET} does not hold tls.crt and tls.key`);
  return made;
}

export interface TrustPorts {
  readonly objects: OwnObjects;
  readonly webhooks: WebhookConfiguration;
  readonly now: () => Date;
}

/** What a round found to mend. */
export interface TrustRound {
  readonly issuedCertificate: boolean;
  readonly wroteCaBundle: boolean;
}

/**
 * Makes the cluster trust what it should: the public bundle for the CLI, a current certificate for the webhook, and the
 * `caBundle` of the webhook configuration, whatever somebody else wrote there. Doing it again changes nothing.
 */
export async function keepTrust(
  authority: KeyPair,
  { objects, webhooks, now }: TrustPorts,
): Promise<TrustRound> {
  const [certificate, caBundle, published] = await Promise.allSettled([
    keepWebhookCertificate(authority, objects, now()),
    keepCaBundle(authority, webhooks),
    objects.applyConfigMap(TRUST_BUNDLE_CONFIG_MAP, { 'ca.crt': authority.cert }),
  ]);
  // One that fails for good must not keep the others from being renewed.
  const failed = [certificate, caBundle, published].find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return {
    issuedCertificate: certificate.status === 'fulfilled' && certificate.value,
    wroteCaBundle: caBundle.status === 'fulfilled' && caBundle.value,
  };
}

async function keepWebhookCertificate(authority: KeyPair, objects: OwnObjects, now: Date): Promise<boolean> {
  const existing = await objects.readSecret(WEBHOOK_CERTIFICATE_SECRET);
  const leaf = toKeyPair(existing);
  const isTrusted = existing?.['ca.crt']?.toString() === authority.cert;
  if (leaf !== undefined && isTrusted && isCurrent(leaf, authority, WEBHOOK_DNS_NAMES, now)) return false;
  const { cert, key } = await issueLeaf(authority, WEBHOOK_DNS_NAMES, now);
  await objects.applySecret(WEBHOOK_CERTIFICATE_SECRET, TLS_SECRET, {
    'tls.crt': Buffer.from(cert),
    'tls.key': Buffer.from(key),
    'ca.crt': Buffer.from(authority.cert),
  });
  return true;
}

async function keepCaBundle(authority: KeyPair, webhooks: WebhookConfiguration): Promise<boolean> {
  const bundles = await webhooks.readCaBundles();
  const wrong = [...(bundles ?? [])].filter(([, pem]) => pem !== authority.cert).map(([name]) => name);
  if (wrong.length > 0) await webhooks.writeCaBundles(wrong, authority.cert);
  return wrong.length > 0;
}

function toKeyPair(secret: SecretData | undefined): KeyPair | undefined {
  const cert = secret?.['tls.crt']?.toString();
  const key = secret?.['tls.key']?.toString();
  return cert === undefined || key === undefined ? undefined : { cert, key };
}
