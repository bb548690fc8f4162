// What something took beside what was expected of it, in English, for files and the command line.
type Effort = { seconds: number | null; costUsd: number | null };

/** 131 → "2 min 11 s". */
function spanText(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const moneyText = (dollars: number): string =>
  `$${dollars !== 0 && dollars < 0.1 ? Number(dollars.toPrecision(2)) : dollars.toFixed(2)}`;

/** "2 min 11 s, 1 min 58 s expected; $0.012, $0.011 expected"; null where nothing is known. */
export function tookText(actual: Effort | null, expected: Effort | null): string | null {
  const parts = [
    partText(actual?.seconds ?? null, expected?.seconds ?? null, spanText),
    partText(actual?.costUsd ?? null, expected?.costUsd ?? null, moneyText),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join("; ");
}

function partText(took: number | null, expected: number | null, say: (value: number) => string) {
  if (took === null) return expected === null ? null : `${say(expected)} expected`;
  return expected === null ? say(took) : `${say(took)}, ${say(expected)} expected`;
}
