import type { Middleware } from 'koa';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** No label ever holds a name, a namespace or an identity: the port is open to everyone in the cluster. */
export interface Metrics {
  readonly observe: Middleware;
  countServed(secrets: number): void;
  setCertificateExpiry(at: Date): void;
  readonly text: () => Promise<string>;
}

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param countSecrets - looked at whenever somebody scrapes. */
export function createMetrics(countSecrets: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'sotto_safe_request_duration_seconds',
    help: 'Time from the request to its answer, by method and status.',
    labelNames: ['method', 'status'],
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const served = new Counter({
    name: 'sotto_safe_secrets_served_total',
    help: 'Secrets handed to workloads.',
    registers,
  });
  const expiry = new Gauge({
    name: 'sotto_safe_certificate_not_after_seconds',
    help: 'When the serving certificate ends, in seconds since the epoch.',
    registers,
  });
  new Gauge({
    name: 'sotto_safe_secrets',
    help: 'Secrets that exist, deleted ones not counted.',
    registers,
    collect() {
      this.set(countSecrets());
    },
  });
  return {
    observe: async (ctx, next) => {
      const end = requests.startTimer();
      await next();
      end({ method: KNOWN_METHODS.has(ctx.method) ? ctx.method : 'other', status: ctx.status });
    },
    countServed: (secrets) => served.inc(secrets),
    setCertificateExpiry: (at) => expiry.set(at.getTime() / 1000),
    text: () => registry.metrics(),
  };
}

const KNOWN_METHODS = new Set(['GET', 'PUT', 'POST', 'DELETE']);
