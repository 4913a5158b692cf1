import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { processIdentity } from './processes.ts';
import type { Layout } from './layout.ts';

const clusterState = v.object({
  /** `starting` is also what a crash leaves behind. */
  phase: v.picklist(['starting', 'up']),
  /** `holder` is the one whose namespaces the others join. */
  daemons: v.record(v.string(), processIdentity),
  joinFile: v.string(),
  /** Where kubectl is. */
  binaries: v.string(),
});
export type ClusterState = v.InferOutput<typeof clusterState>;

/** @returns undefined when there is none: then no cluster is up. */
export function readState(layout: Layout): ClusterState | undefined {
  return readJson(layout.stateFile, clusterState);
}

/** @returns undefined when the file is not there or is not what it should be, as a crash may leave it. */
export function readJson<T>(file: string, schema: v.GenericSchema<unknown, T>): T | undefined {
  if (!existsSync(file)) return undefined;
  const json = v.pipe(v.string(), v.parseJson(), schema);
  const result = v.safeParse(json, readFileSync(file, 'utf8'));
  return result.success ? result.output : undefined;
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writeState(layout: Layout, state: ClusterState): void {
  const next = `${layout.stateFile}.next`;
  writeFileSync(next, JSON.stringify(state, null, 2));
  renameSync(next, layout.stateFile);
}
