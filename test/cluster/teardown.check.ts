/**
 * Starts and stops, breaks and kills real clusters, and looks each time for what is left. Needs root and some minutes:
 * `node --test test/cluster/teardown.check.ts`.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { buildLayout } from './layout.ts';
import { signalProcess } from './processes.ts';
import { waitFor } from './poll.ts';
import { readState } from './state.ts';
import { describeMachine, findTraces, readNamespaces } from './traces.ts';

const name = `check-${process.pid}`;
const layout = buildLayout(name);
const FIRST_START_STEP = 5;
const LAST_STEP = 9;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly output: () => string;
  readonly ended: Promise<Ended>;
}

/** In a process group of its own, as a shell starts it. */
function launch(...args: string[]): Running {
  const child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { child, output: () => output, ended };
}

async function runTool(...args: string[]): Promise<string> {
  const { code, output } = await launch(...args).ended;
  assert.equal(code, 0, `${args.join(' ')}: ${output}`);
  return output;
}

/** Ends like Ctrl-C, or `kill -9`, at the moment when `up` has finished a step. */
async function interruptUp(step: number, signal: 'SIGINT' | 'SIGKILL'): Promise<Ended> {
  const { child, ended } = launch('up', '--name', name);
  const lines = createInterface({ input: child.stderr });
  lines.on('line', (line) => {
    if (line.startsWith(`step ${step} of`))
      process.kill(signal === 'SIGINT' ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
  });
  return await ended;
}

function readClusterNamespaces(): string[] {
  return readNamespaces(
    readState(layout)?.daemons['holder']?.pid ?? assert.fail('the cluster has no namespaces'),
  );
}

const APPLICATION = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'application' },
  spec: {
    containers: [
      {
        name: 'application',
        image: 'sotto.test/busybox:1',
        command: ['sleep', '3600'], // ignores SIGTERM, as the first process of a container
        volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
      },
    ],
    volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }],
  },
});

after(() => runTool('down', '--name', name));

test('down leaves nothing of a cluster with a running pod, a shell inside, and changes nothing of the machine', async () => {
  const before = describeMachine();
  await runTool('up', '--name', name);
  const namespaces = readClusterNamespaces();
  const create = `echo '${APPLICATION}' | kubectl create -f - && kubectl wait --for=condition=Ready pod/application`;
  await runTool('exec', '--name', name, '--', 'sh', '-c', create);
  const session = launch('exec', '--name', name, '--', 'sh', '-c', 'echo inside; sleep 3600');
  const isInside = () => (session.output().includes('inside') ? true : undefined);
  await waitFor('the session', isInside, { deadlineMs: 10_000 });
  assert.notDeepEqual(findTraces(layout, namespaces), []);

  await runTool('down', '--name', name);
  assert.equal((await session.ended).code, null, 'the session has been killed');
  assert.deepEqual(findTraces(layout, namespaces), []);
  assert.deepEqual(describeMachine(), before);
});

test('down without a cluster is friendly', async () => {
  assert.match(await runTool('down', '--name', name), /is not up, there is nothing to stop/);
  assert.deepEqual(findTraces(layout, []), []);
});

for (let step = FIRST_START_STEP - 1; step < LAST_STEP; step += 1) {
  test(`kill -9 of up after step ${step}, then down, leaves nothing`, async () => {
    assert.equal((await interruptUp(step, 'SIGKILL')).code, null);
    await runTool('down', '--name', name);
    assert.deepEqual(findTraces(layout, []), []);
  });

  test(`Ctrl-C in up after step ${step} leaves nothing`, async () => {
    const { code, output } = await interruptUp(step, 'SIGINT');
    assert.equal(code, 130, output);
    assert.deepEqual(findTraces(layout, []), []);
  });
}

test('down stops an up that is still at work elsewhere', async () => {
  const { ended, output } = launch('up', '--name', name);
  await waitFor('the start', () => (output().includes('step 6 of') ? true : undefined), {
    deadlineMs: 60_000,
  });
  await runTool('down', '--name', name);
  assert.equal((await ended).code, 143);
  assert.deepEqual(findTraces(layout, []), []);
});

test('two that start the same cluster at once get one cluster', async () => {
  await Promise.all([runTool('up', '--name', name), runTool('up', '--name', name)]);
  const holder = readState(layout)?.daemons['holder'];
  assert.match(await runTool('up', '--name', name), /is up already/);
  assert.deepEqual(readState(layout)?.daemons['holder'], holder);
});

test('up over the ruins of a cluster cleans up first, and a cluster in ruins is not taken for one that is up', async () => {
  const ruins = readClusterNamespaces();
  signalProcess(readState(layout)?.daemons['kube-apiserver'] ?? assert.fail(), 'SIGKILL');
  const session = await launch('exec', '--name', name, '--', 'true').ended;
  assert.match(session.output, /is not up/);

  assert.match(await runTool('up', '--name', name), /cleaning up/);
  await runTool('exec', '--name', name, '--', 'kubectl', 'get', 'nodes');
  assert.deepEqual(
    findTraces(layout, ruins).filter((trace) => ruins.some((namespace) => trace.includes(namespace))),
    [],
  );
  const namespaces = readClusterNamespaces();
  await runTool('down', '--name', name);
  assert.deepEqual(findTraces(layout, [...ruins, ...namespaces]), []);
});
