import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { EXIT_CODES, type Reason } from '../../../init-container/failure.ts';
import type { InitConfig } from '../../../shared/init-config.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { buildAnswer, serveFakeSafe, type FakeSafe } from './fake-safe.ts';
import {
  buildConfig,
  bundleProgram,
  createPod,
  TOKEN,
  type Pod,
  type Run,
  type StartOptions,
} from './program.ts';
import { hashTree } from './snapshot.ts';

/** A value that must be in the volume and nowhere else. */
export const CANARY = 'canary-7f3a9c51e2';
export const ANSWER = buildAnswer({ db: { password: CANARY, user: 'api' } });

export const program = await bundleProgram();
const authority = await createTestAuthority();
const keyPair = await authority.issue({ dnsNames: ['localhost'] });

/** A Safe that pods of {@link buildEnv} trust. */
export const serve = (listener: RequestListener): Promise<FakeSafe> => serveFakeSafe(keyPair, listener);

export const buildEnv = (port: number, changes: Partial<InitConfig> = {}): NodeJS.ProcessEnv => ({
  SOTTO_CONFIG: JSON.stringify(buildConfig(port, changes)),
  SOTTO_CA: authority.ca,
});

export interface Scenario {
  readonly pod?: Pod;
  readonly changes?: Partial<InitConfig>;
  readonly env?: NodeJS.ProcessEnv;
  readonly options?: StartOptions;
}

/** Runs the program in a pod to its end, and looks for what must never be there, however it ended. */
export async function runProgram(
  port: number,
  { pod = createPod(program), changes, env, options }: Scenario = {},
): Promise<Run & { pod: Pod }> {
  const before = hashTree(pod.directory, pod.secrets);
  const ended = await pod.start({ ...buildEnv(port, changes), ...env }, options).ended;
  checkSilence(ended);
  if (ended.terminationMessage === '') assert.equal(hashTree(pod.directory, pod.secrets), before);
  writeFileSync(join(pod.directory, 'termination-log'), '');
  return { ...ended, pod };
}

export function checkSilence({ stdout, stderr, terminationMessage }: Run): void {
  for (const word of [
    CANARY,
    Buffer.from(CANARY).toString('base64'),
    Buffer.from(CANARY).toString('hex'),
    TOKEN,
  ]) {
    assert.ok(!`${stdout}${stderr}${terminationMessage}`.includes(word));
  }
  assert.equal(stderr, '');
}

/** Nothing was written, and code, message and log say the same. */
export function checkFailure(
  { code, stdout, terminationMessage, pod }: Run & { pod: Pod },
  reason: Reason,
  message: RegExp,
): void {
  assert.match(terminationMessage, message);
  assert.equal(code, EXIT_CODES[reason]);
  assert.ok(!terminationMessage.includes('\n'));
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  assert.deepEqual([last['event'], last['reason'], last['message']], ['gave_up', reason, terminationMessage]);
  assert.deepEqual(readdirSync(pod.secrets), []);
}
