import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { format } from 'prettier';
import { parse } from 'yaml';
import { applied, patchOf, reviewPod } from './reviews.ts';

const folder = new URL('golden/', import.meta.url);
const pods = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));

// eslint-disable-next-line no-restricted-properties -- a switch for who runs the test, not for the program
const shouldUpdate = process.env['UPDATE_GOLDEN'] === '1';

const readPod = (name: string): unknown => parse(readFileSync(new URL(`${name}.yaml`, folder), 'utf8'));

/** Everything the API server gets and makes of it. */
function outcomeOf(pod: unknown): object {
  const reviewed = reviewPod(pod);
  const { decision, reason, answer } = reviewed;
  const { warnings, status } = answer.response;
  const patch = patchOf(reviewed);
  return JSON.parse(
    JSON.stringify({
      decision,
      reason,
      warnings,
      status,
      patch,
      pod: patch.length === 0 ? undefined : applied(pod, patch),
    }),
  ) as object;
}

test('there are golden files for at least 25 pods', () => {
  assert.ok(pods.length >= 25);
});

for (const name of pods) {
  test(`the pod "${name}" is answered as its golden file says`, async () => {
    const golden = new URL(`${name}.expected.json`, folder);
    const outcome = outcomeOf(readPod(name));
    if (shouldUpdate) {
      writeFileSync(golden, await format(JSON.stringify(outcome), { parser: 'json', printWidth: 110 }));
    }
    assert.ok(existsSync(golden), 'run the test with UPDATE_GOLDEN=1 once, and read what it wrote');
    assert.deepEqual(outcome, JSON.parse(readFileSync(golden, 'utf8')));
  });

  test(`the pod "${name}" is not changed a second time`, () => {
    const pod = readPod(name);
    const first = reviewPod(pod);
    if (first.decision !== 'inject') return;
    const second = reviewPod(applied(pod, patchOf(first)));
    assert.deepEqual([second.decision, second.reason], ['inject', 'already_injected']);
    assert.equal(second.answer.response.patch, undefined);
    assert.equal(second.answer.response.patchType, undefined);
  });
}

test('an ordinary pod needs at most 40 operations', () => {
  for (const name of pods) assert.ok(patchOf(reviewPod(readPod(name))).length <= 40, name);
});

test('no annotation value appears in an answer that refuses', () => {
  for (const name of pods) {
    const pod = readPod(name) as { metadata?: { annotations?: Record<string, string> } };
    const message = reviewPod(pod).answer.response.status?.message ?? '';
    const values = Object.entries(pod.metadata?.annotations ?? {})
      .filter(([key]) => !['sotto.dev/inject', 'sotto.dev/format'].includes(key))
      .map(([, value]) => value)
      .filter((value) => value.length > 5);
    for (const value of values) assert.ok(!message.includes(value), `${name} repeats ${value}`);
  }
});
