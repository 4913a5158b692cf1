import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { EXIT_CODES } from '../../../init-container/failure.ts';
import { answerWith, buildAnswer, type FakeSafe } from '../support/fake-safe.ts';
import { createPod, type Pod, type Run } from '../support/program.ts';
import { ANSWER, buildEnv, CANARY, checkSilence, program, serve } from '../support/scenario.ts';

/** Mounting and changing the user need root; the mounts are in a namespace that ends with the test. */

const AS_CONTAINER_USER = 'setpriv --reuid 65532 --regid 65532 --clear-groups "$@"';

/** Lets the user of the container enter what only the owner of the test may. */
function createOpenPod(): Pod {
  const pod = createPod(program);
  for (const directory of [pod.directory, dirname(program)]) chmodSync(directory, 0o755);
  chmodSync(join(pod.directory, 'termination-log'), 0o666);
  return pod;
}

interface MountedRun extends Run {
  /** Every line that `script` left in a file called `seen`. */
  readonly seen: readonly string[];
}

/** Runs `script` in a mount namespace of its own; `"$@"` in it is the program. */
async function runMounted(safe: FakeSafe, script: string): Promise<MountedRun> {
  const pod = createOpenPod();
  const shell = ['/bin/sh', '-c', `set -e; touch seen; ${script}`, 'sh'];
  const wrapper = ['/usr/bin/unshare', '--mount', '--propagation', 'private', ...shell];
  const ended = await pod.start(buildEnv(safe.port, { timeoutMs: 5_000 }), { wrapper }).ended;
  checkSilence(ended);
  const seen = readFileSync(join(pod.directory, 'seen'), 'utf8').trimEnd();
  return { ...ended, seen: seen === '' ? [] : seen.split('\n') };
}

const mount = (options: string): string => `mount -t tmpfs -o ${options} sotto-secrets ./sotto`;

const FULL =
  /^the memory volume of this pod's secrets is too small for 1 files of 100000 bytes \(ENOSPC\); the owner of the pod/;
const BIG = buildAnswer({ db: { password: 'x'.repeat(100_000) } });

test('in a volume that is too small nothing is left, and the reason is said', async () => {
  const safe = await serve(answerWith(BIG));
  const run = await runMounted(safe, `${mount('size=64k')}; "$@" || code=$?; ls -A sotto >seen; exit $code`);
  assert.match(run.terminationMessage, FULL);
  assert.equal(run.code, EXIT_CODES.volume_full);
  assert.deepEqual(run.seen, []);
});

test('in a volume without room for another file nothing is left', async () => {
  const safe = await serve(answerWith(ANSWER));
  const run = await runMounted(
    safe,
    `${mount('nr_inodes=4')}; "$@" || code=$?; ls -A sotto >seen; exit $code`,
  );
  assert.equal(run.code, EXIT_CODES.volume_full);
  assert.deepEqual(run.seen, []);
});

test('files that are there stay whole when their successors do not fit', async () => {
  let answers = 0;
  const safe = await serve((request, response) => {
    answerWith(answers++ === 0 ? ANSWER : BIG)(request, response);
  });
  const script =
    '"$@"; "$@" || code=$?; cat sotto/db/password | md5sum >seen; ls -A sotto | wc -l >>seen; exit $code';
  const run = await runMounted(safe, `${mount('size=64k')}; ${script}`);
  assert.equal(run.code, EXIT_CODES.volume_full);
  assert.deepEqual(run.seen, [`${createHash('md5').update(CANARY).digest('hex')}  -`, '3']);
});

test('a volume that is read-only or of another user is said with its error', async () => {
  const safe = await serve(answerWith(ANSWER));
  const readOnly = await runMounted(safe, `${mount('mode=0777')}; mount -o remount,ro ./sotto; "$@"`);
  assert.equal(readOnly.code, EXIT_CODES.volume_not_writable);
  assert.match(
    readOnly.terminationMessage,
    /cannot be written \(EROFS\); whoever runs Sotto has to find what changes/,
  );
  const foreign = await runMounted(safe, `${mount('mode=0755')}; ${AS_CONTAINER_USER}`);
  assert.equal(foreign.code, EXIT_CODES.volume_not_writable);
  assert.match(foreign.terminationMessage, /cannot be written \(EACCES\)/);
});

test('a volume on a disk gets nothing written to it', async (t) => {
  const onDisk = mkdtempSync(join(import.meta.dirname, 'on-disk-'));
  t.after(() => {
    rmSync(onDisk, { recursive: true });
  });
  const safe = await serve(answerWith(ANSWER));
  const run = await runMounted(
    safe,
    `mount --bind ${onDisk} sotto; "$@" || code=$?; ls -A sotto >seen; exit $code`,
  );
  assert.equal(run.code, EXIT_CODES.volume_not_in_memory);
  assert.match(run.terminationMessage, /not in memory but on \w+, so nothing was written/);
  assert.deepEqual(run.seen, []);
  assert.equal(safe.requests.length, 0);
});

for (const options of ['mode=0777,size=4m', 'mode=2770,gid=65532']) {
  test(`the user of the container can write, and write again, with ${options}`, async () => {
    const safe = await serve(answerWith(ANSWER));
    const list = "find -L sotto/db sotto/..data -printf '%m %u:%g %p\\n' | sort >seen";
    const run = await runMounted(
      safe,
      `${mount(options)}; ${AS_CONTAINER_USER}; ${AS_CONTAINER_USER}; ${list}`,
    );
    assert.equal(run.code, 0);
    assert.deepEqual(
      run.seen.map((line) => line.replace(/ \S+ /, ' ')),
      [
        '444 sotto/..data/db/password',
        '444 sotto/..data/db/user',
        '444 sotto/db/password',
        '444 sotto/db/user',
        '555 sotto/..data',
        '555 sotto/..data/db',
        '555 sotto/db',
      ],
    );
  });
}

test('as process 1 of a container it ends on SIGTERM too', async () => {
  const safe = await serve(() => undefined);
  const wrapper = ['/usr/bin/unshare', '--pid', '--fork', '--kill-child'];
  const running = createPod(program).start(buildEnv(safe.port), { wrapper });
  while (safe.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const [child = ''] = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').split(' ');
  const start = performance.now();
  process.kill(Number(child), 'SIGTERM');
  const { code, terminationMessage } = await running.ended;
  assert.equal(code, EXIT_CODES.stopped);
  assert.match(terminationMessage, /^stopped from outside/);
  assert.ok(performance.now() - start < 2000);
});
