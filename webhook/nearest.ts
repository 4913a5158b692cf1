/** Two slips of the finger. More, and every short name looks like every other. */
const MAX_DISTANCE = 2;

/** The candidate that `word` was probably meant to be: a few letters off, or one is the beginning of the other. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: distanceOrPrefix(lower, candidate) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .sort((one, other) => one.distance - other.distance);
  return best?.candidate;
}

function distanceOrPrefix(word: string, candidate: string): number {
  const isPrefix = word.length >= 3 && (word.startsWith(candidate) || candidate.startsWith(word));
  return isPrefix ? MAX_DISTANCE : editDistance(word, candidate);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
