import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;

/**
 * Tries until it works: for what Safe cannot do without and somebody else will bring back, such as the API server.
 *
 * @param onFailure - sees every failure, and throws the ones that trying again cannot cure.
 */
export async function persist<T>(attempt: () => Promise<T>, onFailure: (error: unknown) => void): Promise<T> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    try {
      return await attempt();
    } catch (error) {
      onFailure(error);
      await sleep(delayMs);
    }
  }
}

/** A round that may be asked for at any time: again when it was asked for meanwhile, and never two at once. */
export function createRounds(round: () => Promise<void>): () => void {
  let isRunning = false;
  let isWanted = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await round();
    }
    isRunning = false;
  }

  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
