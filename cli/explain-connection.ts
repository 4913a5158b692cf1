import { SYSTEM_NAMESPACE, TRUST_BUNDLE_CONFIG_MAP } from '../shared/names.ts';
import { errorCode, isCertificateCode } from './error-code.ts';
import { Failure } from './failure.ts';
import { printable } from './print.ts';
import { TooManyBytesError } from './read-bytes.ts';
import { TunnelError } from './tunnel.ts';

interface Trouble {
  readonly message: string;
  readonly advice: string;
}

const SEE_STATUS = 'kubectl sotto status says more';

/**
 * Why Safe could not be spoken to, from what the tunnel, TLS or HTTP threw. A write whose answer got lost may have
 * happened, which the sentence then says; what is a Failure already comes from opening the connection, before anything was sent.
 */
export function explainConnectionError(
  error: unknown,
  { mayHaveHappened }: { mayHaveHappened: boolean },
): Failure {
  if (error instanceof Failure) return error;
  const { message, advice } = explain(error);
  const uncertain = `${message}. Whether it was done is not known: kubectl sotto get tells`;
  return new Failure('unreachable', mayHaveHappened ? uncertain : message, { advice, cause: error });
}

function explain(error: unknown): Trouble {
  if (isTunnelError(error)) {
    return {
      message: 'the Safe pod accepts no connection: it is starting, stopping or stuck',
      advice: SEE_STATUS,
    };
  }
  if (error instanceof TooManyBytesError) {
    return { message: 'Safe sent more than fits in an answer', advice: 'A smaller --chunk-size may help' };
  }
  const code = errorCode(error);
  if (code === 'TimeoutError') {
    return { message: 'Safe did not answer in time (--request-timeout)', advice: SEE_STATUS };
  }
  if (code !== undefined && isCertificateCode(code)) return explainCertificate(code);
  const reason = printable(code ?? 'unknown reason', 60);
  return {
    message: `the connection to Safe was lost (${reason}): is it restarting?`,
    advice: 'Try again in a moment',
  };
}

const explainCertificate = (code: string): Trouble => ({
  message: `the certificate that Safe shows is not trusted (${printable(code, 60)}), so nothing was sent`,
  advice:
    `It must come from the authority in ConfigMap ${TRUST_BUNDLE_CONFIG_MAP} of ${SYSTEM_NAMESPACE}. If that was replaced a ` +
    'moment ago, try again; if not, find out who answers in place of Safe',
});

function isTunnelError(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TunnelError) return true;
  }
  return false;
}
