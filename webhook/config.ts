import * as v from 'valibot';
import { isDnsSubdomain } from '../shared/grammar.ts';
import { PROBE_PORT, SAFE_HOST, WEBHOOK_PORT } from '../shared/names.ts';
import { parse } from '../shared/parse.ts';

const PREFIX = 'SOTTO_';

const PULL_POLICIES = ['IfNotPresent', 'Always', 'Never'] as const;
export type ImagePullPolicy = (typeof PULL_POLICIES)[number];
const isPullPolicy = (text: string): text is ImagePullPolicy =>
  PULL_POLICIES.some((policy) => policy === text);

const MAX_IMAGE_LENGTH = 512;
const isImage = (text: string): boolean =>
  text.length <= MAX_IMAGE_LENGTH && /^[a-z0-9][-._:/@a-zA-Z0-9]*$/.test(text);

const port = v.pipe(
  v.string(),
  v.check((text) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535, 'must be a port, 1 to 65535'),
  v.transform(Number),
);

const environment = v.strictObject({
  SOTTO_IMAGE: v.pipe(v.string(), v.check(isImage, 'must be an image reference')),
  SOTTO_IMAGE_PULL_POLICY: v.optional(
    v.pipe(v.string(), v.guard(isPullPolicy, `must be one of ${PULL_POLICIES.join(', ')}`)),
  ),
  SOTTO_TLS_DIRECTORY: v.optional(
    v.pipe(v.string(), v.startsWith('/', 'must be an absolute path')),
    '/etc/sotto/tls',
  ),
  SOTTO_PORT: v.optional(port, String(WEBHOOK_PORT)),
  SOTTO_PROBE_PORT: v.optional(port, String(PROBE_PORT)),
  SOTTO_SAFE_HOST: v.optional(
    v.pipe(v.string(), v.check(isDnsSubdomain, 'must be a DNS-1123 subdomain')),
    SAFE_HOST,
  ),
});

export interface Config {
  /** Of the injected container. A cluster that pulls through a mirror names the mirror here. */
  readonly image: string;
  /** Left to Kubernetes (`Always` for `:latest`, else `IfNotPresent`) when undefined. */
  readonly imagePullPolicy: ImagePullPolicy | undefined;
  /** Holds `tls.crt`, `tls.key` and `ca.crt`, as a Secret is mounted. */
  readonly tlsDirectory: string;
  readonly port: number;
  readonly probePort: number;
  readonly safeHost: string;
}

/** @throws AppError naming every variable that is missing, wrong or, with our prefix, unknown: one restart shows them all. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const ours = Object.entries(env).filter(
    ([name, value]) => name.startsWith(PREFIX) && !isServiceLink(name, value),
  );
  const parsed = parse(environment, Object.fromEntries(ours));
  return {
    image: parsed.SOTTO_IMAGE,
    imagePullPolicy: parsed.SOTTO_IMAGE_PULL_POLICY,
    tlsDirectory: parsed.SOTTO_TLS_DIRECTORY,
    port: parsed.SOTTO_PORT,
    probePort: parsed.SOTTO_PROBE_PORT,
    safeHost: parsed.SOTTO_SAFE_HOST,
  };
}

/**
 * Kubernetes puts variables such as `SOTTO_SAFE_SERVICE_HOST` and `SOTTO_SAFE_PORT=tcp://…` into every pod beside a Service
 * `sotto-safe`, unless its `enableServiceLinks` is false. Ours say false; a copy that does not must start all the same.
 */
const isServiceLink = (name: string, value = ''): boolean =>
  /^SOTTO_[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/.test(
    name,
  ) ||
  (/^SOTTO_[A-Z0-9_]+_PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value));
