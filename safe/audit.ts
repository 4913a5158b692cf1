import { AppError } from '../shared/errors.ts';
import type { Verb } from './access.ts';
import type { Identity } from './identity.ts';

/** One decision. Names and identities only: there is no field that a value could be put in. */
export interface AuditRecord {
  /** `fetch` is a workload's; `authenticate` is written only when it failed; the others are an administrator's. */
  readonly verb: Verb | 'fetch' | 'authenticate';
  /** What it was about; no name means a whole namespace, no namespace all of them. */
  readonly on: readonly AuditTarget[];
  /** `allowed`, or the code of the answer. */
  readonly outcome: string;
  readonly identity: Identity | undefined;
  readonly sourceAddress: string;
  readonly requestId: string;
}

export interface AuditTarget {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly version?: number | undefined;
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
