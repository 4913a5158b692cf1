import 'reflect-metadata'; // before x509, which does not load without it
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const PAST_MS = 60 * 60 * 1000; // for clocks that are set back while the cluster runs
const LIFETIME_MS = 365 * DAY_MS;

export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends KeyPairPem {
  /** Issues a certificate for TLS servers and clients. In Kubernetes CN is the user and O its group. */
  issue(
    subject: { commonName: string; organization?: string },
    addresses?: readonly string[],
  ): Promise<KeyPairPem>;
}

/** A certificate authority with a new key. Its name must be no leaf's name, or OpenSSL takes that leaf for self-signed. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await createKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: buildName({ commonName }),
    keys,
    ...buildLifetime(),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: root.toString('pem'),
    key: await exportKey(keys.privateKey),
    issue: async (subject, addresses = []) => {
      const leafKeys = await createKeys();
      const leaf = await x509.X509CertificateGenerator.create({
        subject: buildName(subject),
        issuer: root.subjectName,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        ...buildLifetime(),
        extensions: await buildLeafExtensions(keys.publicKey, addresses),
      });
      return { certificate: leaf.toString('pem'), key: await exportKey(leafKeys.privateKey) };
    },
  };
}

async function buildLeafExtensions(
  issuer: CryptoKey,
  addresses: readonly string[],
): Promise<x509.Extension[]> {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const names = addresses.map((value) => ({
    type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
  ];
}

/** For tokens of service accounts, which are signed and never certified. */
export async function createSigningKey(): Promise<{ publicKey: string; privateKey: string }> {
  const { publicKey, privateKey } = await createKeys();
  const spki = await webcrypto.subtle.exportKey('spki', publicKey);
  return { publicKey: x509.PemConverter.encode(spki, 'PUBLIC KEY'), privateKey: await exportKey(privateKey) };
}

async function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return x509.PemConverter.encode(der, 'PRIVATE KEY');
}

function buildName(subject: { commonName: string; organization?: string }): x509.JsonName {
  const organization = subject.organization === undefined ? [] : [{ O: [subject.organization] }];
  return [...organization, { CN: [subject.commonName] }];
}

function buildLifetime(): { notBefore: Date; notAfter: Date; signingAlgorithm: typeof ALGORITHM } {
  const now = Date.now();
  return {
    notBefore: new Date(now - PAST_MS),
    notAfter: new Date(now + LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
  };
}
