/** Machine words for why a pod is refused: the log, the metric and the audit annotation carry them. Never rename one. */
export type DenyReason =
  | 'malformed'
  | 'not_a_pod'
  | 'unknown_annotation'
  | 'invalid_annotation'
  | 'unknown_container'
  | 'mount_path_taken'
  | 'name_taken'
  | 'windows';

/**
 * One thing that is wrong with a pod. `clause` is read by whoever created it, so it names the field and what is allowed,
 * and never repeats an annotation's value.
 */
export interface Problem {
  readonly reason: DenyReason;
  readonly clause: string;
}
