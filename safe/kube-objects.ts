import { randomUUID } from 'node:crypto';
import {
  AdmissionregistrationV1Api,
  ApiException,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from '../shared/names.ts';
import type { KubeTransport } from './kube-transport.ts';

export type SecretData = Readonly<Record<string, Buffer>>;

/** The few objects that Safe keeps in its own namespace. Its rights to them are in `manifests/base/safe-rbac.yaml`. */
export interface OwnObjects {
  /** Undefined when it does not exist. */
  readSecret(name: string): Promise<SecretData | undefined>;
  /** Makes a Secret that does not exist. False, and nothing changed, when somebody else made it first. */
  createSecret(name: string, type: string, data: SecretData): Promise<boolean>;
  /** Makes a Secret or replaces our keys in it. */
  applySecret(name: string, type: string, data: SecretData): Promise<void>;
  applyConfigMap(name: string, data: Readonly<Record<string, string>>): Promise<void>;
}

export function createOwnObjects({ configuration }: KubeTransport): OwnObjects {
  const core = new CoreV1Api(configuration);

  async function apply(
    name: string,
    secret: { type: string; data: SecretData },
    options: ApplyOptions,
  ): Promise<void> {
    const data = Object.entries(secret.data).map(([key, bytes]) => [key, bytes.toString('base64')]);
    const body = {
      ...object('Secret', name),
      type: secret.type,
      data: Object.fromEntries(data) as Record<string, string>,
    };
    await core.patchNamespacedSecret({ ...target(name), ...options, body }, APPLY);
  }

  return {
    readSecret: async (name) => {
      const secret = await unlessAbsent(core.readNamespacedSecret(target(name)));
      if (secret === undefined) return undefined;
      const data = Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]);
      return Object.fromEntries(data) as SecretData;
    },
    // Server-side apply as a manager that nobody else is, without force: an object of the same name that another one
    // filled is a conflict. Unlike POST, RBAC can allow it for one name alone, so it is all that is granted to us. A new
    // manager for every try: a request that timed out and arrives late must not overwrite what a later one made.
    createSecret: async (name, type, data) => {
      try {
        await apply(name, { type, data }, { fieldManager: `${FIELD_MANAGER}-${randomUUID()}` });
        return true;
      } catch (error) {
        if (error instanceof ApiException && error.code === CONFLICT) return false;
        throw error;
      }
    },
    applySecret: (name, type, data) => apply(name, { type, data }, OURS),
    applyConfigMap: async (name, data) => {
      const body = { ...object('ConfigMap', name), data };
      await core.patchNamespacedConfigMap({ ...target(name), ...OURS, body }, APPLY);
    },
  };
}

/** The MutatingWebhookConfiguration that the manifests bring, of which Safe owns `caBundle` and nothing else. */
export interface WebhookConfiguration {
  /** The `caBundle` of each webhook, as PEM by webhook name; undefined when there is no configuration. */
  readCaBundles(): Promise<ReadonlyMap<string, string> | undefined>;
  writeCaBundles(names: readonly string[], pem: string): Promise<void>;
  /** Calls back whenever the configuration changes; resolves when the watch ends, which it does now and then. */
  watch(onChange: () => void): Promise<void>;
}

export function createWebhookConfiguration({ configuration, stream }: KubeTransport): WebhookConfiguration {
  const admission = new AdmissionregistrationV1Api(configuration);
  const name = WEBHOOK_CONFIGURATION;
  return {
    readCaBundles: async () => {
      const found = await unlessAbsent(admission.readMutatingWebhookConfiguration({ name }));
      return (
        found &&
        new Map(found.webhooks?.map((webhook) => [webhook.name, decode(webhook.clientConfig.caBundle)]))
      );
    },
    writeCaBundles: async (names, pem) => {
      const clientConfig = { caBundle: Buffer.from(pem).toString('base64') };
      const body = { webhooks: names.map((webhook) => ({ name: webhook, clientConfig })) };
      await admission.patchMutatingWebhookConfiguration(
        { name, fieldManager: FIELD_MANAGER, body },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      );
    },
    watch: (onChange) =>
      stream(
        '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?watch=true' +
          `&fieldSelector=metadata.name%3D${name}&timeoutSeconds=${WATCH_SECONDS}`,
        onChange,
      ),
  };
}

const FIELD_MANAGER = 'sotto-safe';
const WATCH_SECONDS = 300;
const CONFLICT = 409;
const NOT_FOUND = 404;

interface ApplyOptions {
  readonly fieldManager: string;
  readonly force?: boolean;
}

const APPLY = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
const OURS: ApplyOptions = { fieldManager: FIELD_MANAGER, force: true };

const target = (name: string) => ({ name, namespace: SYSTEM_NAMESPACE });

const object = (kind: string, name: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: SYSTEM_NAMESPACE, labels: { 'app.kubernetes.io/part-of': 'sotto' } },
});

const decode = (base64 = '') => Buffer.from(base64, 'base64').toString();

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiException && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}
