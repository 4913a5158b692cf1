import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import * as names from '../shared/names.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Container {
  readonly command: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
  };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: { readonly runAsNonRoot?: boolean; readonly seccompProfile?: object };
        readonly enableServiceLinks: boolean;
        readonly containers: readonly Container[];
      };
    };
    readonly ports: readonly { readonly port: number }[];
    readonly group: string;
    readonly names: { readonly plural: string };
  };
  readonly rules: readonly Rule[];
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: {
      readonly service: { readonly name: string; readonly path: string };
      readonly caBundle?: string;
    };
    readonly namespaceSelector: { readonly matchLabels: Record<string, string> };
    readonly matchConditions: readonly { readonly expression: string }[];
    readonly failurePolicy: string;
  }[];
}

const manifests = globSync('manifests/base/*.yaml')
  .filter((file) => !file.endsWith('kustomization.yaml'))
  .flatMap((file) =>
    parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest),
  );

const find = (kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  assert.ok(found, `${kind} ${name}`);
  return found;
};

test('every name that the programs use is the name in the manifests', () => {
  assert.equal(find('Service', names.SAFE_SERVICE).spec.ports[0]?.port, names.SAFE_PORT);
  find('Service', names.WEBHOOK_SERVICE);
  find('Namespace', names.SYSTEM_NAMESPACE);
  find('ServiceAccount', names.ADMIN_SERVICE_ACCOUNT);
  find('Role', names.CLI_ROLE);
  find('Role', names.ADMINISTRATOR_ROLE);
  const crd = find('CustomResourceDefinition', `${names.RESOURCE}.${names.GROUP}`);
  assert.deepEqual([crd.spec.group, crd.spec.names.plural], [names.GROUP, names.RESOURCE]);
  const admin = find('ClusterRole', names.SECRETS_ADMIN_CLUSTER_ROLE);
  assert.deepEqual(admin.rules[0]?.apiGroups, [names.GROUP]);
  const [webhook] = find('MutatingWebhookConfiguration', names.WEBHOOK_CONFIGURATION).webhooks;
  assert.equal(webhook?.clientConfig.service.name, names.WEBHOOK_SERVICE);
  assert.deepEqual(webhook.namespaceSelector.matchLabels, { [names.INJECTION_LABEL]: 'enabled' });
  assert.ok(webhook.matchConditions[0]?.expression.includes(`'${names.ANNOTATION_PREFIX}'`));
  for (const manifest of manifests.filter(({ metadata }) => metadata.namespace !== undefined)) {
    assert.equal(manifest.metadata.namespace, names.SYSTEM_NAMESPACE);
  }
});

test('a pod that asked never starts without its secrets, and no manifest brings a caBundle', () => {
  const [webhook] = find('MutatingWebhookConfiguration', names.WEBHOOK_CONFIGURATION).webhooks;
  assert.equal(webhook?.failurePolicy, 'Fail');
  assert.equal(webhook.clientConfig.caBundle, undefined);
});

test('both programs pass Pod Security "restricted", which their namespace enforces', () => {
  const labels = find('Namespace', names.SYSTEM_NAMESPACE).metadata.labels;
  assert.equal(labels?.['pod-security.kubernetes.io/enforce'], 'restricted');
  for (const { spec } of [find('StatefulSet', 'sotto-safe'), find('Deployment', 'sotto-webhook')]) {
    const { securityContext, containers, enableServiceLinks } = spec.template.spec;
    assert.equal(securityContext.runAsNonRoot, true);
    assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' });
    assert.equal(enableServiceLinks, false); // their SOTTO_SAFE_… variables would look like settings
    for (const container of containers) {
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      const ports = Object.fromEntries(
        container.ports.map(({ name, containerPort }) => [name, containerPort]),
      );
      assert.deepEqual(ports, { https: names.SAFE_PORT, probes: names.PROBE_PORT });
    }
  }
});

test('these are all the rights there are, and every Secret among them is named', () => {
  const granted = manifests
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
    .flatMap(({ kind, metadata, rules }) =>
      rules.map((rule) => {
        const on = [...rule.resources].map((resource) => `${rule.apiGroups.join()}/${resource}`).join();
        return `${kind} ${metadata.name}: ${rule.verbs.join(' ')} ${on} ${rule.resourceNames?.join(' ') ?? '(any)'}`;
      }),
    );
  assert.deepEqual(granted.sort(), [
    'ClusterRole sotto-safe: create authentication.k8s.io/tokenreviews (any)',
    'ClusterRole sotto-safe: create authorization.k8s.io/subjectaccessreviews (any)',
    'ClusterRole sotto-safe: get list watch patch admissionregistration.k8s.io/mutatingwebhookconfigurations sotto-injector',
    'ClusterRole sotto-secrets-admin: get list create update delete sotto.dev/safesecrets (any)',
    'Role sotto-administrator: create /serviceaccounts/token sotto-admin',
    'Role sotto-cli: get create /pods/portforward (any)',
    'Role sotto-cli: get list /pods (any)',
    'Role sotto-safe: create patch /configmaps sotto-trust-bundle',
    'Role sotto-safe: get create patch /secrets sotto-root-key sotto-authority sotto-webhook-tls',
    'Role sotto-trust-bundle: get /configmaps sotto-trust-bundle',
  ]);
});
