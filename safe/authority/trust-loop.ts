import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeFailure } from '../../shared/http.ts';
import type { Log } from '../../shared/log.ts';
import type { KeyPair } from '../../shared/serve.ts';
import { createRounds, persist } from '../persist.ts';
import { isCurrent, issueLeaf } from './authority.ts';
import { keepTrust, SAFE_DNS_NAMES, type TrustPorts } from './keep-trust.ts';

/** A watch may miss what happened while it was broken, so there is also a look now and then. */
const LOOK_EVERY_MS = 60_000;
const WATCH_AGAIN_AFTER_MS = 1_000;

/** Keeps trust for as long as the process lives: at once, whenever the webhook configuration changes, and every minute. */
export function startTrustLoop(authority: KeyPair, ports: TrustPorts, log: Log): void {
  const look = createRounds(async () => {
    const round = await persist(
      () => keepTrust(authority, ports),
      (error) => log('warn', 'trust_not_kept', describeFailure(error)),
    );
    if (round.issuedCertificate) log('info', 'webhook_certificate_issued');
    if (round.wroteCaBundle) log('info', 'ca_bundle_written');
  });

  async function watch(): Promise<never> {
    for (;;) {
      look();
      await ports.webhooks
        .watch(look)
        .catch((error: unknown) => log('warn', 'watch_failed', describeFailure(error)));
      await sleep(WATCH_AGAIN_AFTER_MS);
    }
  }

  void watch();
  setInterval(look, LOOK_EVERY_MS).unref();
}

export interface ServingCertificate {
  readonly keyPair: KeyPair;
  readonly notAfter: Date;
}

/** Safe's own certificate. It lives in memory only: a new process issues itself a new one. */
export async function issueServingCertificate(authority: KeyPair, now: Date): Promise<ServingCertificate> {
  const keyPair = await issueLeaf(authority, SAFE_DNS_NAMES, now);
  return { keyPair, notAfter: new X509Certificate(keyPair.cert).validToDate };
}

/** Looks every minute whether the certificate has to be renewed, and hands over the new one. */
export function renewServingCertificate(
  authority: KeyPair,
  first: ServingCertificate,
  now: () => Date,
  use: (renewed: ServingCertificate) => void,
): void {
  let current = first;
  const look = createRounds(async () => {
    if (isCurrent(current.keyPair, authority, SAFE_DNS_NAMES, now())) return;
    current = await issueServingCertificate(authority, now());
    use(current);
  });
  setInterval(look, LOOK_EVERY_MS).unref();
}
