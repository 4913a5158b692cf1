/**
 * The exit codes of `kubectl sotto`: a closed table that scripts rely on, so never renumber one.
 * 0 is success; 130 is what a shell reports for Ctrl-C.
 */
export const EXIT_CODE_OF = {
  negative: 1,
  usage: 2,
  not_found: 3,
  conflict: 4,
  forbidden: 5,
  unreachable: 6,
  refused: 7,
  internal: 8,
  interrupted: 130,
} as const satisfies Record<string, number>;

export type FailureKind = keyof typeof EXIT_CODE_OF;

const MEANING_OF: Readonly<Record<FailureKind, string>> = {
  negative: 'the answer is no: status found something that is not healthy',
  usage: 'wrong arguments, or a value that could not be read; nothing was sent',
  not_found: 'no such secret',
  conflict: 'keys would be lost, or somebody else changed the secret meanwhile',
  forbidden: 'not signed in, or a right is missing, at the API server or at Safe',
  unreachable: 'no kubeconfig, no Sotto, no ready Safe, no trusted certificate, or no answer in time',
  refused: 'Safe refused the secret itself: too large, no room, not valid',
  internal: 'a mistake of ours: please report it',
  interrupted: 'Ctrl-C at the prompt',
};

/** The table as `--help` shows it. */
export function describeExitCodes(): string {
  const kinds = Object.keys(EXIT_CODE_OF) as FailureKind[];
  const lines = kinds.map((kind) => `  ${String(EXIT_CODE_OF[kind]).padEnd(4)} ${MEANING_OF[kind]}`);
  return ['Exit codes:', '  0    done', ...lines].join('\n');
}
