import type { CommonOptions } from './arguments.ts';
import { Failure } from './failure.ts';
import type { Target } from './parse-options.ts';
import type { CommandPorts } from './ports.ts';
import { resourceName } from './print.ts';

/** Deletes a secret: no pod gets it any more. Running pods keep the files they have. */
export async function deleteSecret(
  { target, options: { output = 'table', ...options } }: { target: Target; options: CommonOptions },
  ports: CommandPorts,
): Promise<void> {
  if (output !== 'table' && output !== 'name') {
    throw new Failure('usage', 'delete has only -o name, as with kubectl: there is nothing left to show');
  }
  await ports.useSafe(options, async ({ safe, namespace }) => {
    const secret = { namespace, ...target };
    await safe.delete(secret);
    ports.out(
      output === 'name'
        ? `${resourceName(secret.name)}\n`
        : `secret ${secret.namespace}/${secret.name} deleted\n`,
    );
  });
}
