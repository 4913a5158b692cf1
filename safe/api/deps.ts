import type { Log } from '../../shared/log.ts';
import type { Authorize } from '../access.ts';
import type { Audit } from '../audit.ts';
import type { Identify, Identity } from '../identity.ts';
import type { Metrics } from '../metrics.ts';
import type { Store } from '../store.ts';

/** What the API is made of. */
export interface SafeDeps {
  readonly store: Store;
  readonly identify: Identify;
  readonly authorize: Authorize;
  readonly audit: Audit;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What every route finds in `ctx.state`. */
export interface RequestState {
  requestId: string;
  identity: Identity | undefined;
}
