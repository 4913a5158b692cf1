import type { ConfigurationOptions } from '@kubernetes/client-node';
import { explainKubernetesError, type KubernetesRequest } from './explain-kubernetes.ts';

/** The client library takes as long to import as everything else together, so it is imported here and nowhere earlier. */
export const importClient = (): Promise<Client> => import('@kubernetes/client-node');

export type Client = typeof import('@kubernetes/client-node');

/** Makes one request; `options` carry its deadline. */
type Call<T> = (options: ConfigurationOptions) => Promise<T>;

/** Asks the API server. Rejects with the Failure that `request` explains. */
export type Ask = <T>(request: KubernetesRequest, call: Call<T>) => Promise<T>;

/** Every request has `timeoutMs`; 0 waits for ever. */
export function createAsk(client: Client, timeoutMs: number): Ask {
  return (request, call) =>
    call(buildDeadline(client, timeoutMs)).catch((error: unknown) => {
      throw explainKubernetesError(error, request);
    });
}

/** client-node sends a request's signal on, but has no option to give one. */
function buildDeadline({ Observable }: Client, timeoutMs: number): ConfigurationOptions {
  if (timeoutMs === 0) return {};
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre: (context) => {
          context.setSignal(AbortSignal.timeout(timeoutMs));
          return new Observable(Promise.resolve(context));
        },
        post: (context) => new Observable(Promise.resolve(context)),
      },
    ],
  };
}
