import { describeFailure } from '../shared/http.ts';
import { createLog } from '../shared/log.ts';
import { serveProbes } from '../shared/probes.ts';
import { closeServer, serveHttps } from '../shared/serve.ts';
import { createAuthorize } from './access.ts';
import { createApp } from './api/app.ts';
import { createAudit } from './audit.ts';
import { loadAuthority } from './authority/keep-trust.ts';
import { issueServingCertificate, renewServingCertificate, startTrustLoop } from './authority/trust-loop.ts';
import { openBackup } from './backup/backup.ts';
import { createRandomPool } from './backup/envelope.ts';
import { StoreError } from './backup/store-error.ts';
import { parseConfig } from './config.ts';
import { createSqliteEngine } from './engines/sqlite.ts';
import { reportFatal } from './fatal.ts';
import { createIdentify } from './identity.ts';
import { createOwnObjects, createWebhookConfiguration } from './kube-objects.ts';
import { createKubeTransport, readClusterAccess } from './kube-transport.ts';
import { createMetrics } from './metrics.ts';
import { writeFully, writeIfPossible } from './output.ts';
import { persist } from './persist.ts';
import { createReviews } from './reviews.ts';
import { obtainRootKey, rememberStore } from './root-key.ts';
import { createStore } from './store.ts';

const now = () => new Date();
const STDOUT = 1;
const log = createLog('sotto-safe', { write: (line: string) => writeIfPossible(STDOUT, line) });
const monotonicMs = () => performance.now();
const stopFor = (error: unknown): never => {
  reportFatal(error, log);
  process.exit(1);
};
process.on('uncaughtException', stopFor);

const config = parseConfig(process.env);
const kube = createKubeTransport(readClusterAccess(config.apiServer.host, config.apiServer.port));
const objects = createOwnObjects(kube);
const apiServerFailed = (error: unknown) => {
  if (error instanceof StoreError) throw error;
  log('warn', 'api_server_failed', describeFailure(error));
};

let notReady: string | undefined = 'the store is not open yet';
let countSecrets = () => 0;
const metrics = createMetrics(() => countSecrets());
const probes = await serveProbes(config.probePort, { notReady: () => notReady, metrics: metrics.text });

const authority = await persist(() => loadAuthority(objects, now()), apiServerFailed);
startTrustLoop(authority, { objects, webhooks: createWebhookConfiguration(kube), now }, log);

const engine = createSqliteEngine(config.database);
const rootKey = (storeExists: boolean) => persist(() => obtainRootKey(objects, storeExists), apiServerFailed);
const backup = await openBackup(engine, rootKey, createRandomPool());
await persist(() => rememberStore(objects, backup.storeId), apiServerFailed);
const store = createStore(backup.loaded, backup.save, { now: Date.now, onLost: stopFor });
countSecrets = store.count;

const reviews = createReviews(kube);
const app = createApp({
  store,
  identify: createIdentify(reviews.reviewToken, monotonicMs),
  authorize: createAuthorize(reviews.reviewAccess),
  audit: createAudit((line) => writeFully(STDOUT, line), now),
  metrics,
  log,
});
const serving = await issueServingCertificate(authority, now());
const server = await serveHttps(app.callback(), {
  port: config.port,
  keyPair: serving.keyPair,
  minVersion: 'TLSv1.3',
  keepAliveTimeoutMs: 75_000,
  requestTimeoutMs: 15_000,
  maxConnections: 2_000,
});
metrics.setCertificateExpiry(serving.notAfter);
renewServingCertificate(authority, serving, now, ({ keyPair, notAfter }) => {
  server.setKeyPair(keyPair);
  metrics.setCertificateExpiry(notAfter);
});
notReady = undefined;
log('info', 'ready', { secrets: store.count(), port: server.port });

process.once('SIGTERM', () => {
  notReady = 'stopping';
  log('info', 'stopping');
  void server.close(10_000).then(async () => {
    await engine.close();
    await closeServer(probes, 0);
    process.exit(0);
  });
});
