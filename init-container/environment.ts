import { INIT_CONTAINER } from '../shared/names.ts';
import { Failure } from './failure.ts';

/** Variables that make Node run other code, trust other certificates, or print what it holds. */
const REFUSED_VARIABLES = [
  'NODE_OPTIONS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_EXTRA_CA_CERTS',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_V8_COVERAGE',
  'OPENSSL_CONF',
];

const REFUSED_FLAG =
  /^(-r$|--(inspect|tls-keylog|trace-tls|heapsnapshot|heap-prof|cpu-prof|report-|require|import|loader|experimental-loader|insecure-http-parser|abort-on-uncaught-exception))/;

/**
 * A seat belt against accidents, such as a webhook that adds a variable to every container. It cannot stop somebody who
 * may change our container: that one's code has run before this line.
 *
 * @throws Failure `environment_refused`, naming the variable or flag and never its content.
 */
export function checkEnvironment(env: NodeJS.ProcessEnv, flags: readonly string[]): void {
  const variable = REFUSED_VARIABLES.find((name) => env[name] !== undefined);
  if (variable !== undefined) throw refused(`environment variable ${variable}`);
  const flag = flags.find((text) => REFUSED_FLAG.test(text));
  if (flag !== undefined) throw refused(`flag ${flag.split('=', 1).join('')}`);
}

const refused = (what: string): Failure =>
  new Failure(
    'environment_refused',
    `${what} is set in the container ${INIT_CONTAINER}, and could show its secrets to others; ` +
      'whoever adds it, such as another admission webhook, has to leave this container alone',
  );
