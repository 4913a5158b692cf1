import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { KeyPair } from '../../shared/serve.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 60 * 60 * 1000;

export interface LeafOptions {
  /** Subject alternative names. */
  readonly dnsNames: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface TestAuthority {
  /** What trusts the leaves, as PEM. */
  readonly ca: string;
  issue(options: LeafOptions): Promise<KeyPair>;
}

/** A certificate authority that exists as long as the test. Two of the same name do not trust each other's leaves. */
export async function createTestAuthority(name = 'CN=test authority'): Promise<TestAuthority> {
  const keys = await createKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    ...buildLifetime({}),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    ca: root.toString('pem'),
    issue: async (options) => {
      const leafKeys = await createKeys();
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `CN=${options.dnsNames[0] ?? 'nobody'}`,
        issuer: root.subjectName,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        ...buildLifetime(options),
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          new x509.SubjectAlternativeNameExtension(
            options.dnsNames.map((value) => ({ type: 'dns' as const, value })),
          ),
        ],
      });
      return { cert: leaf.toString('pem'), key: await exportKey(leafKeys.privateKey) };
    },
  };
}

const createKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function buildLifetime({ notBefore, notAfter }: Partial<LeafOptions>): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return {
    notBefore: notBefore ?? new Date(now - HOUR_MS),
    notAfter: notAfter ?? new Date(now + HOUR_MS),
  };
}
