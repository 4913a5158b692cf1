import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildPod, buildReview, patchOf, applied, settings } from './reviews.ts';
import { review } from '../../webhook/review.ts';
import { createApp } from '../../webhook/app.ts';
import { serve } from '../support/serve.ts';

const full = buildReview(
  buildPod(
    {
      'sotto.dev/secrets': 'db, payments/stripe',
      'sotto.dev/format.db': 'json',
      'sotto.dev/containers': 'app, migrate',
    },
    {
      os: { name: 'linux' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      securityContext: { runAsUser: 0 },
      volumes: [{ name: 'data', emptyDir: {} }],
      initContainers: [{ name: 'migrate', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    },
  ),
);

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [at, ...entries.flatMap(([key, child]) => pathsOf(child, [...at, key]))];
}

const nasty = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 0, -1, 1e308, true, [], {}, [[]], [null], { name: null }),
  fc.constantFrom<unknown>(
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
    '/sotto',
    'true',
    'x'.repeat(5000),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(
    fc.constantFrom('name', 'mountPath', 'command', 'emptyDir', 'sotto.dev/inject', 'sotto.dev/'),
    fc.jsonValue({ maxDepth: 2 }),
  ),
);

/** The review with up to three of its values replaced or taken away. */
const malformed = fc
  .array(fc.tuple(fc.constantFrom(...pathsOf(full)), nasty), { minLength: 1, maxLength: 3 })
  .map((changes) =>
    changes.reduce(
      (document: unknown, [path, value]) => replaceAt(document, path, value),
      structuredClone(full),
    ),
  );

function replaceAt(document: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof document !== 'object' || document === null) return document;
  const copy = (Array.isArray(document) ? [...(document as unknown[])] : { ...document }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaceAt(copy[key], rest, value);
  return copy;
}

test('2,000 malformed reviews are each answered or refused, never with a server error', async (t) => {
  const lines: string[] = [];
  const url = await serve(
    t,
    createApp({
      log: (level, event) => lines.push(`${level} ${event}`),
      metrics: { countReview: () => undefined },
      settings: () => settings,
      nowMs: () => 0,
      isStopping: () => false,
    }),
  );
  const headers = { 'content-type': 'application/json' };
  await fc.assert(
    fc.asyncProperty(malformed, async (body) => {
      const response = await fetch(`${url}/mutate`, {
        method: 'POST',
        headers,
        body: body === undefined ? '' : JSON.stringify(body),
      });
      await response.arrayBuffer();
      assert.ok([200, 400, 415].includes(response.status), `status ${response.status}`);
    }),
    { numRuns: 2000 },
  );
  assert.ok(!lines.some((line) => line.startsWith('error')));
});

test('whatever is injected into a malformed pod fits it, and is complete the first time', () => {
  let injections = 0;
  fc.assert(
    fc.property(malformed, (body) => {
      const document = JSON.parse(body === undefined ? 'null' : JSON.stringify(body)) as {
        request?: { object?: unknown };
      } | null;
      const reviewed = tryReview(document);
      if (reviewed?.decision !== 'inject') return;
      injections++;
      const object = applied(document?.request?.object, patchOf(reviewed));
      assert.equal(
        tryReview({ ...document, request: { ...document?.request, object } })?.reason,
        'already_injected',
      );
    }),
    { numRuns: 5000 },
  );
  assert.ok(injections > 100);
});

function tryReview(body: unknown): ReturnType<typeof review> | undefined {
  try {
    return review(body, settings);
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, 'invalid_request');
    return undefined;
  }
}
