import { request } from 'node:https';
import { SAFE_HOST, SAFE_PORT } from '../../../shared/names.ts';
import { get, kubectl } from './kubectl.ts';
import { podsOf } from './system.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Asking {
  readonly token?: string;
  readonly body?: string;
}

/** Safe's API as any pod could call it: its address, the published certificate, verification on. */
export async function callSafe(method: string, path: string, { token, body }: Asking = {}): Promise<Answer> {
  const { data } = await get<{ data: Record<string, string> }>([
    'configmap/sotto-trust-bundle',
    '-n',
    'sotto-system',
  ]);
  const host = (
    await kubectl(['get', 'service', 'sotto-safe', '-n', 'sotto-system', '-o', 'jsonpath={.spec.clusterIP}'])
  ).trim();
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
  };
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port: SAFE_PORT,
      servername: SAFE_HOST,
      ca: data['ca.crt'],
      method,
      path,
      headers,
      agent: false,
    };
    const asking = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

export interface TokenOptions {
  readonly audience?: string;
  /** Binds the token to this pod of the same namespace. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** A token of a service account, as TokenRequest issues it. */
export async function createToken(
  namespace: string,
  account: string,
  options: TokenOptions = {},
): Promise<string> {
  const { audience = 'safe.sotto.dev', pod } = options;
  const bound =
    pod === undefined
      ? []
      : ['--bound-object-kind=Pod', `--bound-object-name=${pod.name}`, `--bound-object-uid=${pod.uid}`];
  const args = [
    'create',
    'token',
    account,
    '-n',
    namespace,
    `--audience=${audience}`,
    '--duration=600s',
    ...bound,
  ];
  return (await kubectl(args)).trim();
}

export const safePod = async () => {
  const [pod] = await podsOf('sotto-safe');
  if (pod === undefined) throw new Error('there is no pod of Safe');
  return pod;
};
