import type { CommonOptions } from './arguments.ts';
import type { SafeClient } from './safe-client.ts';

/** Safe, as a command finds it. */
interface SafeConnection {
  readonly safe: SafeClient;
  /** The namespace of the kubeconfig's context, for when the command line names none. */
  readonly namespace: string;
}

/** Connects, uses, and disconnects whatever happens. */
export type UseSafe = <T>(
  options: CommonOptions,
  use: (connection: SafeConnection) => Promise<T>,
) => Promise<T>;

/** All that a command touches of the world. */
export interface CommandPorts {
  readonly useSafe: UseSafe;
  /** Standard output, as it is. */
  readonly out: (text: string) => void;
  /** A line on standard error. */
  readonly err: (line: string) => void;
  readonly now: () => Date;
}
