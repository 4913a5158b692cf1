import type { Context } from 'koa';
import { AppError } from '../../shared/errors.ts';
import type { Audit, AuditRecord } from '../audit.ts';
import type { RequestState } from './deps.ts';

/** A Koa context with what `app.ts` puts into it. */
export type RouteContext = Context & { state: RequestState };

/** Whose request it is, in the words of the audit log. */
export function describeRequest(ctx: RouteContext, verb: AuditRecord['verb']): Omit<AuditRecord, 'outcome'> {
  const { identity, requestId } = ctx.state;
  return { verb, identity, requestId, sourceAddress: ctx.req.socket.remoteAddress ?? '', on: [] };
}

/** Writes down that `act` was refused or failed, before the refusal is answered. What it allows it writes down itself. */
export async function audited<T>(
  audit: Audit,
  record: Omit<AuditRecord, 'outcome'>,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    audit({ ...record, outcome: error instanceof AppError ? error.code : 'internal' });
    throw error;
  }
}
