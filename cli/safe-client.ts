import {
  parseSecretList,
  parseSecretMetadata,
  type PutSecretRequest,
  type Reader,
  type SecretMetadata,
} from '../shared/api.ts';
import type { SecretReference } from '../shared/grammar.ts';
import { SAFE_HOST } from '../shared/names.ts';
import type { SecretValue } from '../shared/secret-value.ts';
import { explainAnswer, type SafeRequest } from './explain-answer.ts';
import { explainConnectionError } from './explain-connection.ts';
import { Failure, ifFound } from './failure.ts';
import { createHttpClient, type HttpAnswer, type HttpRequest, type OpenStream } from './http-client.ts';

export interface NewVersion {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** Left out, the secret keeps the readers it has. */
  readonly readers?: readonly Reader[];
  /** The version that this one replaces; undefined when there must be none. Anything else is a conflict. */
  readonly replaces: number | undefined;
}

/** Safe's administration API. Every method throws a Failure with a sentence for the person. */
export interface SafeClient {
  /** Undefined when there is no such secret. */
  get(secret: SecretReference): Promise<SecretMetadata | undefined>;
  put(secret: SecretReference, version: NewVersion): Promise<SecretMetadata>;
  delete(secret: SecretReference): Promise<void>;
  /** Every page of it, of one namespace or of all. */
  list(namespace: string | undefined, pageSize: number): Promise<SecretMetadata[]>;
  close(): void;
}

export interface SafeClientOptions {
  readonly openStream: OpenStream;
  readonly token: string;
  readonly caller: SecretReference;
  readonly timeoutMs: number;
}

export function createSafeClient({ openStream, token, caller, timeoutMs }: SafeClientOptions): SafeClient {
  const http = createHttpClient(openStream, SAFE_HOST, timeoutMs);

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const authorized = { authorization: `Bearer ${token}`, accept: 'application/json', ...request.headers };
    try {
      return await http.send({ ...request, headers: authorized });
    } catch (error) {
      throw explainConnectionError(error, { mayHaveHappened: request.method !== 'GET' });
    }
  }

  async function ask(request: HttpRequest, meaning: Omit<SafeRequest, 'caller'>): Promise<unknown> {
    const answer = await send(request);
    if (answer.status < 200 || answer.status > 299) throw explainAnswer(answer, { ...meaning, caller });
    return parseJson(answer.text);
  }

  return {
    get: async (secret) => {
      const request: HttpRequest = { method: 'GET', path: pathOf(secret) };
      const body = await ifFound(ask(request, { verb: 'get', ...secret }));
      return body === undefined ? undefined : understand(() => parseSecretMetadata(body));
    },
    put: async (secret, version) => {
      const verb = version.replaces === undefined ? 'create' : 'update';
      const body = await ask(buildPut(secret, version), { verb, ...secret });
      return understand(() => parseSecretMetadata(body));
    },
    delete: async (secret) => {
      await ask({ method: 'DELETE', path: pathOf(secret) }, { verb: 'delete', ...secret });
    },
    list: async (namespace, pageSize) => {
      const items: SecretMetadata[] = [];
      let next: string | undefined;
      do {
        const request: HttpRequest = { method: 'GET', path: listPath(namespace, pageSize, next) };
        const body = await ask(request, { verb: 'list', ...(namespace !== undefined && { namespace }) });
        const page = understand(() => parseSecretList(body));
        if (page.continue === next && next !== undefined) throw notUnderstood();
        items.push(...page.items);
        next = page.continue;
      } while (next !== undefined && next !== '');
      return items;
    },
    close: () => http.close(),
  };
}

const pathOf = ({ namespace, name }: SecretReference) => `/v1/namespaces/${namespace}/secrets/${name}`;

function listPath(namespace: string | undefined, limit: number, next: string | undefined): string {
  const base = namespace === undefined ? '/v1/secrets/metadata' : `/v1/namespaces/${namespace}/secrets`;
  const query = new URLSearchParams({ limit: String(limit), ...(next !== undefined && { continue: next }) });
  return `${base}?${query.toString()}`;
}

/** The only place of the CLI where values leave their wrapping. */
function buildPut(secret: SecretReference, { data, readers, replaces }: NewVersion): HttpRequest {
  const encoded = [...data].map(([key, value]) => [key, Buffer.from(value.reveal()).toString('base64')]);
  const body: PutSecretRequest = {
    data: Object.fromEntries(encoded) as Record<string, string>,
    ...(readers !== undefined && { readers: [...readers] }),
  };
  const condition = replaces === undefined ? { 'if-none-match': '*' } : { 'if-match': `"${replaces}"` };
  return {
    method: 'PUT',
    path: pathOf(secret),
    headers: { 'content-type': 'application/json', ...condition },
    body: JSON.stringify(body),
  };
}

function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw notUnderstood(); // the parser quotes what it read
  }
}

function understand<T>(parseBody: () => T): T {
  try {
    return parseBody();
  } catch {
    throw notUnderstood();
  }
}

const notUnderstood = () =>
  new Failure(
    'internal',
    'Safe answered something that this version does not understand: is kubectl sotto older or newer than the Safe in the cluster?',
  );
