import { writeFileSync } from 'node:fs';
import { AppError } from '../shared/errors.ts';
import { describeFailure } from '../shared/http.ts';
import type { Log } from '../shared/log.ts';
import { StoreError } from './backup/store-error.ts';
import { EngineError } from './engines/engine.ts';

/** Kubernetes shows what stands there in `kubectl describe pod` (terminationMessagePath). */
const TERMINATION_LOG = '/dev/termination-log';

/** Says why Safe stops, in its log and where `kubectl describe` shows it. Only messages of ours are passed on. */
export function reportFatal(error: unknown, log: Log): void {
  const failure = describeFailure(error);
  const isOurs = error instanceof StoreError || error instanceof AppError || error instanceof EngineError;
  const reason = isOurs ? `${error.code}: ${error.message}` : `unexpected ${failure.name} ${failure.at}`;
  log('error', 'stopped', { reason });
  try {
    writeFileSync(TERMINATION_LOG, `Safe stopped: ${reason}\n`);
  } catch {
    log('warn', 'termination_message_not_written'); // outside of Kubernetes there is no such file
  }
}
