import type { SecretMetadata } from '../shared/api.ts';
import type { PutOptions } from './arguments.ts';
import { Failure } from './failure.ts';
import type { Target } from './parse-options.ts';
import type { CommandPorts } from './ports.ts';
import { renderSecrets } from './print.ts';
import { readValues, type ValuePorts } from './read-values.ts';

/**
 * Stores a secret. Values cannot be read back, so it looks first and never drops a key that exists unless `--replace`
 * says so; and what it looked at must still be so when it writes.
 */
export async function put(
  { target, options }: { target: Target; options: PutOptions },
  ports: CommandPorts & { readonly values: ValuePorts },
): Promise<void> {
  const { data, warnings } = await readValues(options, ports.values);
  const { stored, existed } = await ports.useSafe(options, async ({ safe, namespace }) => {
    const secret = { namespace, ...target };
    const current = await safe.get(secret);
    if (current !== undefined && options.replace !== true) checkNoKeyIsLost(current, data);
    const { reader: readers } = options;
    const version = { data, replaces: current?.version, ...(readers !== undefined && { readers }) };
    return { stored: await safe.put(secret, version), existed: current !== undefined };
  });
  for (const warning of warnings) ports.err(`warning: ${warning}`);
  if (stored.readers.length === 0) ports.err(hintAtReaders(stored));
  ports.out(renderStored(stored, existed, options, ports.now()));
}

function checkNoKeyIsLost(
  { namespace, name, keys }: SecretMetadata,
  data: ReadonlyMap<string, unknown>,
): void {
  const lost = keys.filter((key) => !data.has(key));
  if (lost.length === 0) return;
  throw new Failure(
    'conflict',
    `secret ${namespace}/${name} also has ${lost.join(', ')}, which would be lost: put replaces the whole secret, and values ` +
      'cannot be read back. Give every key, or add --replace to give them up. Nothing was stored',
  );
}

const hintAtReaders = ({ namespace, name }: SecretMetadata) =>
  `hint: no pod may read ${namespace}/${name} yet: give --reader SERVICE_ACCOUNT with the next put`;

function renderStored(
  stored: SecretMetadata,
  existed: boolean,
  { output = 'table' }: PutOptions,
  now: Date,
): string {
  if (output !== 'table') return renderSecrets(stored, output, { now, withNamespace: false });
  const { namespace, name, version } = stored;
  return `secret ${namespace}/${name} ${existed ? 'replaced' : 'created'}, version ${version}\n`;
}
