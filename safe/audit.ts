import { writeSync } from 'node:fs';
import type { SecretReference } from '../shared/grammar.ts';
import { AppError } from '../shared/errors.ts';
import type { Verb } from './access.ts';
import type { Identity } from './identity.ts';

/** One decision. Names and identities only: there is no field that a value could be put in. */
export interface AuditRecord {
  /** `fetch` is a workload's; the others an administrator's. */
  readonly verb: Verb | 'fetch';
  /** What it was about; no name means a whole namespace, no namespace all of them. */
  readonly on: readonly Partial<SecretReference & { version: number }>[];
  /** `allowed`, or the code of the answer. */
  readonly outcome: string;
  readonly identity: Identity | undefined;
  readonly sourceAddress: string;
  readonly requestId: string;
}

/** Throws AppError `unavailable` when the record could not be written: then the answer must not be given. */
export type Audit = (record: AuditRecord) => void;

/**
 * One JSON line per decision, written before the answer.
 *
 * @param write - returns when the line was handed to the kernel, and throws when it was not.
 */
export function createAudit(write: (line: string) => void, now: () => Date): Audit {
  return ({ verb, on, outcome, identity, sourceAddress, requestId }) => {
    const who = identity && {
      namespace: identity.namespace,
      serviceAccount: identity.serviceAccount,
      pod: identity.pod,
      node: identity.node,
      credentialId: identity.credentialId,
    };
    const line = { audit: verb, time: now().toISOString(), outcome, on, who, sourceAddress, requestId };
    try {
      write(`${JSON.stringify(line)}\n`);
    } catch {
      throw new AppError('unavailable', 'the audit log cannot be written; nothing is handed out without it');
    }
  };
}

/** Writes all of `text` to a file descriptor. A pipe that is full takes a part only, and the rest has to follow. */
export function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
