/**
 * Every name that two parts of Sotto, or Sotto and its users, must agree on. Changing one is a breaking change.
 * `manifests/` repeats some of them as YAML must; `test/manifests.test.ts` holds the two together.
 */

/** API group, and prefix of every annotation and label. */
export const GROUP = 'sotto.dev';

/** The resource that SubjectAccessReview is asked about; a Role that names it grants administration of secrets. */
export const RESOURCE = 'safesecrets';

export const SYSTEM_NAMESPACE = 'sotto-system';

/** Set to `enabled` on a namespace, it lets that namespace's pods reach the webhook at all. */
export const INJECTION_LABEL = `${GROUP}/injection`;

/** The audience of every token that Safe accepts. A token for anything else is refused. */
export const AUDIENCE = 'safe.sotto.dev';

export const ANNOTATION_PREFIX = `${GROUP}/`;
export const INJECT_ANNOTATION = `${GROUP}/inject`;

/** What the webhook adds to a pod. A container or volume of one of these names that is not ours is refused. */
export const INIT_CONTAINER = 'sotto-init';
export const SECRETS_VOLUME = 'sotto-secrets';
export const TOKEN_VOLUME = 'sotto-token';
export const DEFAULT_MOUNT_PATH = '/sotto';

/** The Service in front of Safe; its certificate carries `<service>.<namespace>.svc`. */
export const SAFE_SERVICE = 'sotto-safe';
export const SAFE_HOST = `${SAFE_SERVICE}.${SYSTEM_NAMESPACE}.svc`;
export const SAFE_PORT = 8443;

/** Liveness, readiness and metrics, in clear. */
export const PROBE_PORT = 9090;

export const WEBHOOK_SERVICE = 'sotto-webhook';
export const WEBHOOK_HOST = `${WEBHOOK_SERVICE}.${SYSTEM_NAMESPACE}.svc`;
export const WEBHOOK_PORT = 8443;

/** The MutatingWebhookConfiguration whose `caBundle` Safe keeps true. */
export const WEBHOOK_CONFIGURATION = 'sotto-injector';

/** The Secret that holds the webhook's `tls.crt`, `tls.key` and the `ca.crt` that injected containers trust. */
export const WEBHOOK_CERTIFICATE_SECRET = 'sotto-webhook-tls';

/** The ConfigMap in the system namespace, readable by every signed-in user, with the authority's public `ca.crt`. */
export const TRUST_BUNDLE_CONFIG_MAP = 'sotto-trust-bundle';

/** The service account the CLI asks a token for when the user names none. */
export const ADMIN_SERVICE_ACCOUNT = 'sotto-admin';

/** What the CLI tells people to ask for: the Role to reach Safe, the one to be its administrator, and what secrets take. */
export const CLI_ROLE = 'sotto-cli';
export const ADMINISTRATOR_ROLE = 'sotto-administrator';
export const SECRETS_ADMIN_CLUSTER_ROLE = 'sotto-secrets-admin';

/** Environment of the injected container: one JSON document, and the PEM bundle it trusts. Neither holds a secret. */
export const INIT_CONFIG_ENV = 'SOTTO_CONFIG';
export const INIT_CA_ENV = 'SOTTO_CA';

/** Where the injected container has the secrets volume, whatever the application's own mount path is. */
export const INIT_SECRETS_DIRECTORY = '/sotto';

/**
 * Where the injected container has its token. It is the place of the API server's token: the ServiceAccount admission
 * plugin mounts that one only where nothing is mounted yet, so our container never holds a credential for the API server.
 */
export const INIT_TOKEN_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
