// JSON in answers: parsed without loss of digits or stack, compared by value, and looked into by a path.

/** Deepest nesting that is graded; what is deeper could exhaust the stack where it is compared. */
const DEEPEST = 200;
/** Only numbers of so many digits, or with an exponent, can be other than what a double holds. */
const LONG_NUMBERS = /\d[\d.]{15}|\d[eE]/;
const FENCE = "```";

/** A number that no double holds exactly, kept as its digits. */
class LongNumber {
  constructor(
    readonly source: string,
    readonly canonical: string,
  ) {}

  toJSON(): string {
    return this.source;
  }
}

export type ParsedJson = { ok: true; value: unknown } | { ok: false; problem: string; isTooDeep: boolean };
export type JsonPath = readonly (string | number)[];

/**
 * The JSON that a text consists of, alone or in one code fence; of a key given twice the last one counts. Where it is not
 * `isExact`, numbers are doubles as anywhere else.
 */
export function parseJson(text: string, isExact = true): ParsedJson {
  const bare = withoutFence(text.trim());
  const depth = depthOf(bare);
  if (depth > DEEPEST) {
    const problem = `it nests ${depth} levels, and ${DEEPEST} are graded`;
    return { ok: false, problem, isTooDeep: true };
  }
  try {
    const value: unknown =
      isExact && LONG_NUMBERS.test(bare) ? JSON.parse(bare, exactNumber) : JSON.parse(bare);
    return { ok: true, value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, problem: error.message.slice(0, 200), isTooDeep: false };
  }
}

/** Whether two values are the same JSON: the order of keys is none, numbers are compared by value. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left instanceof LongNumber || right instanceof LongNumber)
    return left instanceof LongNumber && right instanceof LongNumber && left.canonical === right.canonical;
  if (left === right) return true;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((one, at) => sameJson(one, right[at]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]));
}

/** Whether the value has parts that a path can lead to. */
export function isContainer(value: unknown): boolean {
  return Array.isArray(value) || isRecord(value);
}

/** The steps of a path such as `a.b[0].c`, or null where it is none. */
export function parsePath(text: string): JsonPath | null {
  const step = /(?:^|(?<!^)\.)([^.[\]]+)|\[(\d{1,9})\]/y;
  const path: (string | number)[] = [];
  while (step.lastIndex < text.length) {
    const found = step.exec(text);
    if (found === null) return null;
    path.push(found[1] ?? Number(found[2]));
  }
  return path.length > 0 ? path : null;
}

/** The value at a path, in an object of its own because it may be anything; null where there is none. */
export function valueAt(value: unknown, path: JsonPath): { value: unknown } | null {
  let at: unknown = value;
  for (const step of path) {
    if (typeof step === "number") {
      if (!Array.isArray(at) || step >= at.length) return null;
      at = at[step];
    } else {
      // What every object inherits, such as its constructor, is no part of the JSON.
      if (!isRecord(at) || !Object.hasOwn(at, step)) return null;
      at = at[step];
    }
  }
  return { value: at };
}

/** The value as people would write it: a text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof LongNumber ? value.source : JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LongNumber)
  );
}

/** What stands between two fences, the first of which may say json; a text of another form as it is. */
function withoutFence(text: string): string {
  const isFenced = text.length >= 2 * FENCE.length && text.startsWith(FENCE) && text.endsWith(FENCE);
  return isFenced ? text.slice(FENCE.length, -FENCE.length).replace(/^json\b/i, "") : text;
}

/** How deep brackets nest outside of texts. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (isText) {
      if (sign === "\\") at++;
      else if (sign === '"') isText = false;
    } else if (sign === '"') isText = true;
    else if (sign === "{" || sign === "[") deepest = Math.max(deepest, ++depth);
    else if (sign === "}" || sign === "]") depth--;
  }
  return deepest;
}

/** For JSON.parse: a number that a double would round is kept as its digits. */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  const canonical = canonicalNumber(source);
  return canonical === canonicalNumber(String(value)) ? value : new LongNumber(source, canonical);
}

/** One way of writing each number: its digits without zeros around them, and the power of ten. */
function canonicalNumber(source: string): string {
  const found = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(source);
  if (found === null) return source;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === "0") start++;
  if (start === digits.length) return "0";
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  const power = Number(exponent) - fraction.length + digits.length - end;
  return `${sign}${digits.slice(start, end)}e${power}`;
}
