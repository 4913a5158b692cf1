import type { CommonOptions } from './arguments.ts';
import { Failure } from './failure.ts';
import type { Target } from './parse-options.ts';
import type { CommandPorts } from './ports.ts';
import { renderSecrets } from './print.ts';

/** Shows what is known of a secret. Its values are not among that: Safe tells them to workloads only. */
export async function get(
  { target, options }: { target: Target; options: CommonOptions },
  ports: CommandPorts,
): Promise<void> {
  const secret = await ports.useSafe(options, async ({ safe, namespace }) => {
    const reference = { namespace, ...target };
    const found = await safe.get(reference);
    if (found !== undefined) return found;
    throw new Failure('not_found', `secret ${reference.namespace}/${reference.name} does not exist`);
  });
  ports.out(renderSecrets(secret, options.output ?? 'table', { now: ports.now(), withNamespace: false }));
}
