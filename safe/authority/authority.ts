import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate, type KeyObject } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as ParsedCertificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { KeyPair } from '../../shared/serve.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_LIFE_MS = 3650 * DAY_MS;
const LEAF_LIFE_MS = 30 * DAY_MS;

/** Clocks differ: a certificate is valid a little before it was made. */
const BACKDATE_MS = 5 * 60 * 1000;

/** P-256 and SHA-256: what every TLS stack of a cluster can do, and the cheapest handshake (RFC 5480). */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A new self-signed authority for 10 years; it may sign leaves and nothing else. */
export async function createAuthority(now: Date): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Sotto authority',
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_LIFE_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** A certificate for 30 days that serves TLS as any of `dnsNames`, signed by `authority`. */
export async function issueLeaf(
  authority: KeyPair,
  dnsNames: readonly string[],
  now: Date,
): Promise<KeyPair> {
  const issuer = new ParsedCertificate(authority.cert);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${(dnsNames[0] ?? '').slice(0, MAX_COMMON_NAME)}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + LEAF_LIFE_MS),
    signingKey: await importKey(authority.key),
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value }))),
      await AuthorityKeyIdentifierExtension.create(issuer),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/**
 * Whether a leaf can go on serving: its key fits, `authority` signed it, it names every one of `dnsNames`, and two thirds
 * of its life are not over. False for whatever is not a certificate at all.
 */
export function isCurrent(
  leaf: KeyPair,
  authority: KeyPair,
  dnsNames: readonly string[],
  now: Date,
): boolean {
  try {
    const certificate = new X509Certificate(leaf.cert);
    return (
      certificate.checkPrivateKey(createPrivateKey(leaf.key)) &&
      certificate.verify(publicKeyOf(authority)) &&
      dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
      now.getTime() >= certificate.validFromDate.getTime() &&
      now.getTime() < renewalTime(certificate)
    );
  } catch {
    return false; // PEM that does not parse is not current; the caller issues a new one
  }
}

/** Milliseconds since the epoch when two thirds of a certificate's life are over. */
export function renewalTime({
  validFromDate,
  validToDate,
}: Pick<X509Certificate, 'validFromDate' | 'validToDate'>): number {
  return validFromDate.getTime() + ((validToDate.getTime() - validFromDate.getTime()) * 2) / 3;
}

const publicKeyOf = ({ cert }: KeyPair): KeyObject => new X509Certificate(cert).publicKey;

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** RFC 5280, upper bound of a common name. Nothing reads it; names are in the subject alternative names. */
const MAX_COMMON_NAME = 64;

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  });
}

const importKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' }),
    ALGORITHM,
    false,
    ['sign'],
  );
