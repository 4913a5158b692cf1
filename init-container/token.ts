import { readFileSync } from 'node:fs';
import { isDnsLabel, isDnsSubdomain } from '../shared/grammar.ts';
import { Failure } from './failure.ts';

const TOKEN = /^[A-Za-z0-9._~+/=-]{1,16384}$/; // RFC 6750 §2.1, and what fits a header

/**
 * Reads the pod's token. To be called for each try: the kubelet replaces the file while we wait.
 *
 * @throws Failure `token_unreadable`.
 */
export function readToken(directory: string): string {
  const token = readTokenFile(`${directory}/token`);
  if (TOKEN.test(token)) return token;
  throw unreadable('is empty or not a token');
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (error) {
    throw unreadable(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

const unreadable = (problem: string): Failure =>
  new Failure(
    'token_unreadable',
    `the service account token of this pod ${problem}; whoever runs Sotto has to find what changes the volume sotto-token`,
  );

/** `shop/api`, as the token itself claims and nobody has verified: for display only. */
export function describeBearer(token: string): string {
  const subject = readSubject(token.split('.')[1] ?? '');
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subject) ?? [];
  return isDnsLabel(namespace) && isDnsSubdomain(name)
    ? `service account ${namespace}/${name}`
    : "the pod's service account";
}

function readSubject(payload: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims === 'object' && claims !== null && 'sub' in claims ? String(claims.sub) : '';
  } catch {
    return ''; // not a JWT; Safe will say so
  }
}
