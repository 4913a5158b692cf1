import * as v from 'valibot';
import { PROBE_PORT, SAFE_PORT } from '../shared/names.ts';
import { parse } from '../shared/parse.ts';

const port = v.pipe(
  v.string(),
  v.check((text) => /^[1-9][0-9]{0,4}$/.test(text) && Number(text) < 65_536, 'must be a port number'),
  v.transform(Number),
);

const environment = v.object({
  /** The file that SQLite keeps; its folder is the volume. */
  SOTTO_DATABASE: v.optional(v.string(), '/var/lib/sotto/safe.db'),
  SOTTO_PORT: v.optional(port, String(SAFE_PORT)),
  SOTTO_PROBE_PORT: v.optional(port, String(PROBE_PORT)),
  KUBERNETES_SERVICE_HOST: v.string(),
  KUBERNETES_SERVICE_PORT: port,
});

export interface Config {
  readonly database: string;
  readonly port: number;
  readonly probePort: number;
  readonly apiServer: { readonly host: string; readonly port: number };
}

/** @throws AppError naming every variable that is missing or wrong, so that one restart shows them all. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const parsed = parse(environment, env);
  return {
    database: parsed.SOTTO_DATABASE,
    port: parsed.SOTTO_PORT,
    probePort: parsed.SOTTO_PROBE_PORT,
    apiServer: { host: parsed.KUBERNETES_SERVICE_HOST, port: parsed.KUBERNETES_SERVICE_PORT },
  };
}
