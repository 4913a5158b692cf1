import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../webhook/metrics.ts';

test('reviews are counted by decision and reason, and timed', async () => {
  const metrics = createMetrics();
  metrics.countReview({ decision: 'inject', reason: 'injected', durationMs: 0.2 });
  metrics.countReview({ decision: 'inject', reason: 'injected', durationMs: 3 });
  metrics.countReview({ decision: 'deny', reason: 'windows', durationMs: 0.1 });
  const text = await metrics.text();
  assert.match(text, /^sotto_admission_reviews_total\{decision="inject",reason="injected"\} 2$/m);
  assert.match(text, /^sotto_admission_reviews_total\{decision="deny",reason="windows"\} 1$/m);
  assert.match(text, /^sotto_admission_duration_seconds_bucket\{le="0.00025"\} 2$/m);
  assert.match(text, /^sotto_admission_duration_seconds_count 3$/m);
});

test('the expiry of the certificate is a time in seconds', async () => {
  const metrics = createMetrics();
  metrics.setCertificateExpiry(Date.UTC(2026, 10, 20));
  assert.match(await metrics.text(), /^sotto_certificate_expiry_timestamp_seconds 1795132800$/m);
});
