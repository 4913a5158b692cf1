/**
 * The machine-readable reason somewhere along the causes of `error`: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `TimeoutError`, …
 * Messages are not looked at.
 */
export function errorCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return cause.name;
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

/** The ways in which Node refuses a certificate: OpenSSL's verification results, and a name that does not fit. */
export const isCertificateCode = (code: string): boolean =>
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH)/.test(
    code,
  );
