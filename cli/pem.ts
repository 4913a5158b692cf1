/** The certificates of a PEM bundle, each as its base64 alone, so that two bundles can be compared. */
export function splitPem(bundle: string): string[] {
  const blocks = bundle.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, body = '']) => body.replaceAll(/\s/g, ''));
}
