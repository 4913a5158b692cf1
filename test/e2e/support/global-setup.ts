import { install } from './system.ts';

/** Run once before the first suite: every one of them finds Sotto installed. */
export async function globalSetup(): Promise<void> {
  await install();
}
