import type { ListOptions } from './arguments.ts';
import type { CommandPorts } from './ports.ts';
import { renderSecrets } from './print.ts';

const DEFAULT_PAGE_SIZE = 500;

/** Lists the secrets of a namespace, or of all of them; however many pages that takes. */
export async function list(options: ListOptions, ports: CommandPorts): Promise<void> {
  const { allNamespaces: withNamespace = false, chunkSize = DEFAULT_PAGE_SIZE, output = 'table' } = options;
  await ports.useSafe(options, async ({ safe, namespace: contextNamespace }) => {
    const namespace = withNamespace ? undefined : (options.namespace ?? contextNamespace);
    const secrets = await safe.list(namespace, chunkSize);
    if (output === 'table' && secrets.length === 0) {
      ports.err(
        namespace === undefined ? 'No secrets found.' : `No secrets found in namespace ${namespace}.`,
      );
      return;
    }
    ports.out(renderSecrets(secrets, output, { now: ports.now(), withNamespace }));
  });
}
