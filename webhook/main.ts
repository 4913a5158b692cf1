import { AppError } from '../shared/errors.ts';
import { describeFailure } from '../shared/http.ts';
import { createLog } from '../shared/log.ts';
import { serveProbes } from '../shared/probes.ts';
import { closeServer } from '../shared/serve.ts';
import { createApp } from './app.ts';
import { createCertificateFollower, readCertificateFiles } from './certificate.ts';
import { parseConfig } from './config.ts';
import { createMetrics } from './metrics.ts';
import { createWebhookServer } from './serve.ts';

const CERTIFICATE_POLL_MS = 2_000;

const log = createLog('sotto-webhook', process.stdout);
process.on('uncaughtException', (error) => {
  log('error', 'crashed', error instanceof AppError ? { message: error.message } : describeFailure(error));
  process.exit(1);
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

const config = parseConfig(process.env);
const metrics = createMetrics();
const certificates = createCertificateFollower({
  read: () => readCertificateFiles(config.tlsDirectory),
  nowMs: Date.now,
  log,
  pollMs: CERTIFICATE_POLL_MS,
});
let ca = '';
const server = createWebhookServer({
  port: config.port,
  certificates,
  onCertificate: (certificate) => {
    ca = certificate.ca;
    metrics.setCertificateExpiry(certificate.expiresAtMs);
  },
  stop: stop.signal,
});
const app = createApp({
  log,
  metrics,
  settings: () => ({ ...config, ca }),
  nowMs: () => performance.now(),
  isStopping: () => stop.signal.aborted,
});

const probes = await serveProbes(config.probePort, { notReady: server.notReady, metrics: metrics.text });
await server.run(app.callback());
await closeServer(probes, 0);
log('info', 'stopped');
