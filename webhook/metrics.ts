import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Reviewed } from './review.ts';

export interface Metrics {
  countReview(reviewed: Pick<Reviewed, 'decision' | 'reason'> & { readonly durationMs: number }): void;
  setCertificateExpiry(expiresAtMs: number): void;
  /** Prometheus text exposition. */
  text(): Promise<string>;
}

/** Labels hold words of ours only: a tenant's text in one of them would be a new time series for every pod. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const reviews = new Counter({
    name: 'sotto_admission_reviews_total',
    help: 'Pods reviewed, by decision and its reason.',
    labelNames: ['decision', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'sotto_admission_duration_seconds',
    help: 'Time to decide on a pod and build its patch, without reading the request.',
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
    registers,
  });
  const expiry = new Gauge({
    name: 'sotto_certificate_expiry_timestamp_seconds',
    help: 'When the serving certificate expires, in seconds since 1970.',
    registers,
  });
  return {
    countReview: ({ decision, reason, durationMs }) => {
      reviews.inc({ decision, reason });
      duration.observe(durationMs / 1000);
    },
    setCertificateExpiry: (expiresAtMs) => {
      expiry.set(Math.floor(expiresAtMs / 1000));
    },
    text: () => registry.metrics(),
  };
}
