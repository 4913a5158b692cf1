import type { KubeConfig } from '@kubernetes/client-node';
import {
  INJECTION_LABEL,
  SYSTEM_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
} from '../shared/names.ts';
import { ifFound } from './failure.ts';
import type { Ask, Client } from './kube-request.ts';
import { buildReplicas, buildVolumeClaim, type Replicas, type VolumeClaim } from './summaries.ts';

/** What only `status` looks at. Undefined means that the object does not exist. */
export interface ClusterState {
  readVersion(): Promise<string>;
  readWebhookReplicas(): Promise<Replicas | undefined>;
  /** PEM, one of each webhook in our configuration. */
  readCaBundles(): Promise<string[] | undefined>;
  listVolumeClaims(): Promise<VolumeClaim[]>;
  listInjectedNamespaces(): Promise<string[]>;
}

export function createClusterState(client: Client, config: KubeConfig, ask: Ask): ClusterState {
  const core = config.makeApiClient(client.CoreV1Api);
  const apps = config.makeApiClient(client.AppsV1Api);
  const admission = config.makeApiClient(client.AdmissionregistrationV1Api);
  const version = config.makeApiClient(client.VersionApi);
  const namespace = SYSTEM_NAMESPACE;
  return {
    readVersion: async () =>
      (await ask({ verb: 'get', resource: '/version' }, (options) => version.getCode(options))).gitVersion,
    readWebhookReplicas: async () => {
      const name = WEBHOOK_SERVICE;
      const deployment = await ifFound(
        ask({ verb: 'get', resource: 'deployments.apps', name, namespace }, (options) =>
          apps.readNamespacedDeployment({ name, namespace }, options),
        ),
      );
      return deployment && buildReplicas(deployment);
    },
    readCaBundles: async () => {
      const name = WEBHOOK_CONFIGURATION;
      const resource = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
      const configuration = await ifFound(
        ask({ verb: 'get', resource, name }, (options) =>
          admission.readMutatingWebhookConfiguration({ name }, options),
        ),
      );
      return configuration?.webhooks?.map(({ clientConfig }) => decodeBase64(clientConfig.caBundle));
    },
    listVolumeClaims: async () => {
      const { items } = await ask(
        { verb: 'list', resource: 'persistentvolumeclaims', namespace },
        (options) => core.listNamespacedPersistentVolumeClaim({ namespace }, options),
      );
      return items.map(buildVolumeClaim);
    },
    listInjectedNamespaces: async () => {
      const labelSelector = `${INJECTION_LABEL}=enabled`;
      const { items } = await ask({ verb: 'list', resource: 'namespaces' }, (options) =>
        core.listNamespace({ labelSelector }, options),
      );
      return items.map(({ metadata }) => metadata?.name ?? '');
    },
  };
}

const decodeBase64 = (text = '') => Buffer.from(text, 'base64').toString('utf8');
