// Finds, for a name that nobody knows, the known one that was probably meant.

/** Names are compared by their first characters: the time grows with the square of this. */
const COMPARED_CHARS = 40;

/** The known name that differs least from `name`, or null where none is alike. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = comparable(name);
  let best: string | null = null;
  // A third of the letters may be wrong; more is another word.
  let bound = Math.round(wanted.length / 3);
  for (const one of known) {
    const candidate = comparable(one);
    if (candidate === wanted) return one;
    if (Math.abs(candidate.length - wanted.length) > bound) continue;
    const distance = distanceBetween(wanted, candidate, bound);
    if (distance > bound) continue;
    best = one;
    bound = distance - 1;
  }
  return best;
}

/** Case, spaces and joining signs are what people most often get wrong, so they do not count. */
function comparable(name: string): string {
  return name
    .slice(0, COMPARED_CHARS)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s_.-]/g, "");
}

/**
 * Levenshtein's distance, letters to put in, take out or change; anything above `bound` where it is more than
 * that.
 */
function distanceBetween(left: string, right: string, bound: number): number {
  // Typed arrays, because a template may name many columns wrongly where there are thousands.
  let above = Uint8Array.from({ length: right.length + 1 }, (_, column) => column);
  let current = new Uint8Array(right.length + 1);
  for (let row = 1; row <= left.length; row++) {
    const letter = left.charCodeAt(row - 1);
    let before = row;
    let least = row;
    current[0] = row;
    for (let column = 1; column <= right.length; column++) {
      const changed = (above[column - 1] ?? 0) + (letter === right.charCodeAt(column - 1) ? 0 : 1);
      before = Math.min(changed, (above[column] ?? 0) + 1, before + 1);
      current[column] = before;
      if (before < least) least = before;
    }
    if (least > bound) return least;
    [above, current] = [current, above];
  }
  return above[right.length] ?? 0;
}
