import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Every file of the programs that may look at a secret's bytes. Adding one is a decision for a review. */
const MAY_REVEAL = [
  'cli/safe-client.ts',
  'init-container/render.ts',
  'init-container/write-files.ts',
  'safe/api/workload-routes.ts',
  'safe/backup/record.ts',
];

test('secret bytes are revealed in exactly these files', () => {
  const sources = globSync('{safe,webhook,init-container,cli,shared}/**/*.ts');
  const revealing = sources.filter((file) => /\.reveal\(\)/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(revealing.sort(), MAY_REVEAL);
});
