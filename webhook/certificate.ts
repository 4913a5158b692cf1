import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../shared/log.ts';
import type { KeyPair } from '../shared/serve.ts';

/** What is mounted, as text. */
export interface CertificateFiles {
  /** The certificate and its chain, leaf first. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A key pair that serves now, and the authorities that injected containers trust. */
export interface Certificate {
  readonly keyPair: KeyPair;
  /** PEM certificates and nothing else that the file may hold. */
  readonly ca: string;
  readonly expiresAtMs: number;
}

/** Why the files cannot be used, as a clause without any of their content. */
class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/** The bundle travels in one environment variable, which Linux limits to 128 KiB. */
const MAX_CA_LENGTH = 64 * 1024;

/** @throws CertificateError naming the first file that is missing: always the same one, so that it is logged once. */
export async function readCertificateFiles(directory: string): Promise<CertificateFiles> {
  const read = (name: string) =>
    readFile(join(directory, name), 'utf8').catch((cause: unknown) => {
      throw new CertificateError(`${name} cannot be read`, { cause });
    });
  return { cert: await read('tls.crt'), key: await read('tls.key'), ca: await read('ca.crt') };
}

/**
 * Checks that the files can serve: they are what their names say, the key is the certificate's, and it has not expired.
 * Also the guard against files of two generations, read while the mount was being replaced.
 *
 * @throws CertificateError saying which file it is. What OpenSSL says stays in `cause`, which nobody prints: it may quote.
 */
export function parseCertificate({ cert, key, ca }: CertificateFiles, nowMs: number): Certificate {
  const leaf = refusing('tls.crt is not a certificate in PEM', () => new X509Certificate(cert));
  const privateKey = refusing('tls.key is not a private key in PEM', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) throw new CertificateError('tls.key is not the key of tls.crt');
  refusing('tls.crt cannot be served', () => createSecureContext({ cert, key }));
  const expiresAtMs = leaf.validToDate.getTime();
  if (expiresAtMs <= nowMs) throw new CertificateError('tls.crt has expired');
  return { keyPair: { cert, key }, ca: parseBundle(ca), expiresAtMs };
}

/** Takes the certificates out of the file: if somebody put a private key beside them, it must not go into every pod. */
function parseBundle(text: string): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  for (const block of blocks) refusing('ca.crt has a broken certificate', () => new X509Certificate(block));
  if (blocks.length === 0) throw new CertificateError('ca.crt holds no certificate in PEM');
  const bundle = `${blocks.join('\n')}\n`;
  if (bundle.length <= MAX_CA_LENGTH) return bundle;
  throw new CertificateError(`ca.crt holds more than ${MAX_CA_LENGTH} characters of certificates`);
}

function refusing<T>(clause: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (cause) {
    throw new CertificateError(clause, { cause });
  }
}

export interface FollowerDeps {
  /** Throws CertificateError when there is nothing to read. */
  readonly read: () => Promise<CertificateFiles>;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly pollMs: number;
}

export interface CertificateFollower {
  /** The first certificate that can serve, however long it takes, and then each new one. Ends when `signal` is aborted. */
  changes(signal: AbortSignal): AsyncGenerator<Certificate, void>;
  /** Undefined while the newest one can serve. */
  notReady(): string | undefined;
}

/**
 * Follows the files without a restart. What cannot serve is logged once and the last good certificate stays.
 *
 * It looks every few seconds instead of waiting for events: that works on every kind of mount, and a Secret reaches its
 * mounts within a minute at best.
 */
export function createCertificateFollower({ read, nowMs, log, pollMs }: FollowerDeps): CertificateFollower {
  let current: Certificate | undefined;
  let seen: CertificateFiles | undefined;
  let problem = 'not read';

  async function look(): Promise<Certificate | undefined> {
    try {
      const files = await read();
      const isNew = !isDeepStrictEqual(files, seen);
      if (isNew) current = parseCertificate(files, nowMs());
      seen = files;
      problem = '';
      return isNew ? current : undefined;
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      if (error.message !== problem) log('warn', 'certificate_refused', { reason: error.message });
      problem = error.message;
      return undefined;
    }
  }

  async function* changes(signal: AbortSignal): AsyncGenerator<Certificate, void> {
    while (!signal.aborted) {
      const certificate = await look();
      if (certificate !== undefined) {
        log('info', 'certificate_loaded', { expiresAt: new Date(certificate.expiresAtMs).toISOString() });
        yield certificate;
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined); // an abort ends the wait, and then the loop
    }
  }

  return {
    changes,
    notReady: () => {
      if (current === undefined) return `no certificate yet: ${problem}`;
      return current.expiresAtMs <= nowMs() ? 'the certificate has expired' : undefined;
    },
  };
}
