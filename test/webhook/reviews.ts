import assert from 'node:assert/strict';
import jsonpatch, { type Operation } from 'fast-json-patch';
import type { ContainerSettings } from '../../webhook/inject/container.ts';
import { review, type Reviewed } from '../../webhook/review.ts';

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';

export const settings: ContainerSettings = {
  image: 'registry.example/sotto:1.0.0',
  imagePullPolicy: 'IfNotPresent',
  safeHost: 'sotto-safe.sotto-system.svc',
  ca: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
};

/** What the API server posts when a pod is created in namespace `shop`. */
export const buildReview = (object: unknown, request: object = {}): object => ({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: UID,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
    object,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    ...request,
  },
});

export const buildPod = (annotations: object, spec: object = {}): object => ({
  metadata: { name: 'web', annotations: { 'sotto.dev/inject': 'true', ...annotations } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...spec },
});

export const reviewPod = (pod: unknown, request: object = {}): Reviewed =>
  review(buildReview(pod, request), settings);

export const patchOf = ({ answer }: Reviewed): Operation[] =>
  JSON.parse(Buffer.from(answer.response.patch ?? 'W10=', 'base64').toString()) as Operation[];

/** The pod that the API server would go on with. Throws when an operation does not fit the pod. */
export function applied(pod: unknown, operations: readonly Operation[]): unknown {
  return jsonpatch.applyPatch(structuredClone(pod), structuredClone([...operations]), true).newDocument;
}

/** The injected pod; fails when it was not injected. */
export function injected(pod: unknown): unknown {
  const reviewed = reviewPod(pod);
  assert.equal(reviewed.decision, 'inject', reviewed.answer.response.status?.message ?? '');
  return applied(pod, patchOf(reviewed));
}

/** Why the pod was refused; fails when it was not. */
export function refusal(pod: unknown, request: object = {}): string {
  const { answer, decision } = reviewPod(pod, request);
  assert.equal(decision, 'deny');
  assert.equal(answer.response.allowed, false);
  assert.equal(answer.response.patch, undefined);
  return answer.response.status?.message ?? '';
}
