import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildPod, injected } from '../reviews.ts';
import { findViolations, type Container } from './pod-security.ts';

interface Injected {
  readonly spec: {
    readonly initContainers: readonly Container[];
    readonly volumes: readonly object[];
    readonly securityContext?: object;
  };
}

const pods: Record<string, object> = {
  'that says nothing': {},
  'that is restricted': {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  },
  'that runs as root': { securityContext: { runAsUser: 0 } },
  'that allows everything': {
    hostNetwork: true,
    hostPID: true,
    securityContext: { runAsNonRoot: false, seccompProfile: { type: 'Unconfined' } },
    containers: [{ name: 'app', securityContext: { privileged: true } }],
  },
};

for (const [name, spec] of Object.entries(pods)) {
  test(`our container passes Pod Security "restricted" by itself in a pod ${name}`, () => {
    const after = injected(buildPod({}, spec)) as Injected;
    const [ours] = after.spec.initContainers;
    assert.ok(ours);
    assert.deepEqual(findViolations(ours, after.spec.volumes), []);
    assert.equal(ours.securityContext?.readOnlyRootFilesystem, true);
  });
}

test('the check knows a violation when it sees one', () => {
  assert.deepEqual(findViolations({}, [{ name: 'x', hostPath: {} }]), [
    'allowPrivilegeEscalation',
    'runAsNonRoot',
    'capabilities.drop',
    'seccompProfile',
    'volumes',
  ]);
});

test('our container says its user only in a pod that would make it root', () => {
  const userIn = (spec: object) =>
    (injected(buildPod({}, spec)) as Injected).spec.initContainers[0]?.securityContext?.runAsUser;
  assert.equal(userIn({ securityContext: { runAsUser: 0 } }), 65_532);
  assert.equal(userIn({ securityContext: { runAsUser: 1000 } }), undefined);
  assert.equal(userIn({}), undefined);
});

test('the pod keeps its own security context, and gets no fsGroup', () => {
  assert.equal((injected(buildPod({})) as Injected).spec.securityContext, undefined);
  const securityContext = { runAsUser: 0, supplementalGroups: [5] };
  assert.deepEqual(
    (injected(buildPod({}, { securityContext })) as Injected).spec.securityContext,
    securityContext,
  );
});
