import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1ContainerState, V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { buildPodSummary, buildReplicas, buildVolumeClaim } from '../../cli/summaries.ts';

const container = (
  state: V1ContainerState,
  lastState: V1ContainerState = {},
  restartCount = 0,
): V1ContainerStatus => ({
  name: 'safe',
  image: 'i',
  imageID: '',
  ready: false,
  restartCount,
  state,
  lastState,
});

const ready = [{ type: 'Ready', status: 'True' }];
const pod = (status: V1PodStatus, deletionTimestamp?: Date): V1Pod => ({
  metadata: { name: 'sotto-safe-0', ...(deletionTimestamp && { deletionTimestamp }) },
  spec: { containers: [{ name: 'safe', image: 'sotto:1' }] },
  status,
});

test('a pod is ready by its condition, unless it is being deleted', () => {
  const running = { phase: 'Running', conditions: ready };
  assert.equal(buildPodSummary(pod(running)).ready, true);
  assert.equal(buildPodSummary(pod(running, new Date())).ready, false);
  assert.equal(buildPodSummary(pod({ phase: 'Running' })).ready, false);
  assert.equal(buildPodSummary({}).ready, false);
});

test('why a pod does not run is told in the words of Kubernetes, once each', () => {
  const trouble = (status: V1PodStatus) => buildPodSummary(pod(status)).trouble;
  assert.equal(trouble({ phase: 'Pending' }), 'Pending');
  assert.equal(trouble({ phase: 'Running' }), undefined);
  assert.equal(
    trouble({ phase: 'Pending', containerStatuses: [container({ waiting: { reason: 'ErrImagePull' } })] }),
    'ErrImagePull',
  );
  const looping = container(
    { waiting: { reason: 'CrashLoopBackOff' } },
    { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    4,
  );
  assert.equal(
    trouble({ phase: 'Running', containerStatuses: [looping, looping] }),
    'CrashLoopBackOff, OOMKilled',
  );
  const done = container({ terminated: { exitCode: 0, reason: 'Completed' } });
  assert.equal(trouble({ phase: 'Running', initContainerStatuses: [done] }), undefined);
});

test('restarts are added up, and the image is the one of the first container', () => {
  const { restarts, image } = buildPodSummary(
    pod({ containerStatuses: [container({}, {}, 2), container({}, {}, 3)] }),
  );
  assert.deepEqual([restarts, image], [5, 'sotto:1']);
});

test('a deployment or a claim that says little still has a summary', () => {
  assert.deepEqual(buildReplicas({}), { desired: 1, ready: 0, image: '' });
  assert.deepEqual(buildVolumeClaim({}), { name: '', phase: 'Pending', capacity: '' });
});
