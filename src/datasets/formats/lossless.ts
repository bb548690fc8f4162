// Finds in a JSON text what parsing would lose without a word: doubled keys, numbers that no double holds, deep nests.

export type Loss = {
  code: "DUPLICATE_KEY" | "NUMBER_NOT_EXACT" | "NESTED_TOO_DEEP";
  field: string;
  message: string;
  value: string;
};

const TEXTS = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/g;
const TOKENS = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[{}[\]:,]/g;
/** Only numbers of so many signs, or with an exponent, can be beyond a double. */
const LONG_NUMBERS = /-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d+/g;

/** How deep brackets nest outside of texts. */
function depthOf(bare: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < bare.length; at++) {
    const sign = bare.charCodeAt(at);
    if (sign === 123 || sign === 91) deepest = Math.max(deepest, ++depth);
    else if (sign === 125 || sign === 93) depth--;
  }
  return deepest;
}

/** Refuses nests so deep that walking them could exhaust the stack; to be asked before the text is parsed. */
export function findDeepNest(text: string, most: number): Loss | null {
  const depth = depthOf(text.replace(TEXTS, ""));
  if (depth <= most) return null;
  const message = `The row nests ${depth} levels; the limit datasetDepth is ${most}.`;
  return { code: "NESTED_TOO_DEEP", field: "row", message, value: `${depth} levels` };
}

/** What of a valid JSON text its parsed `value` no longer holds, or null. */
export function findLoss(text: string, value: unknown): Loss | null {
  const bare = text.replace(TEXTS, "");
  for (const [number] of bare.matchAll(LONG_NUMBERS)) {
    const parsed = Number(number);
    if (Number.isFinite(parsed) && (!/^-?\d+$/.test(number) || Number.isSafeInteger(parsed))) continue;
    const message = "The number is larger than can be kept exactly; write it as text, in quotes.";
    return { code: "NUMBER_NOT_EXACT", field: "row", message, value: number };
  }
  let colons = 0;
  for (let at = bare.indexOf(":"); at !== -1; at = bare.indexOf(":", at + 1)) colons++;
  if (colons === keysOf(value)) return null;
  const key = doubledKey(text);
  const message = "The key stands twice in one object, and only one of its values could be kept.";
  return { code: "DUPLICATE_KEY", field: key, message, value: key };
}

function keysOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const one of inner) count += keysOf(one);
  return count;
}

/** The first key that its object has already; the text is known to hold one. */
function doubledKey(text: string): string {
  const open: Set<string>[] = [];
  let last = "";
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const seen = open.at(-1);
      if (seen?.has(last)) return last;
      seen?.add(last);
    } else if (token !== ",") last = String(JSON.parse(token));
  }
  return "row";
}
