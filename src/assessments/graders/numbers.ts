// Reads the last number of a text as people write it, and compares decimals, where 1.01 is 0.01 from 1.

/** The number `units` / 10 to the power of `scale`. */
export type Decimal = { units: bigint; scale: number };
/** A number as it stands in a text; its value is null where it is too large to compare. */
export type FoundNumber = { said: string; value: Decimal | null };
export type Tolerance = { tolerance: number; unit: "absolute" | "percent" };

/** Longest whole part, and longest fraction that counts; doubles end at 308. */
const MOST_DIGITS = 400;
const SEPARATORS = /[.,'’\u00a0\u2009\u202f]/;
/** Digits in groups, then e5, × 10^5, \times 10^{5} or × 10⁵; no part can take another's signs: linear time. */
const NUMBERS = new RegExp(
  String.raw`(\d+(?:${SEPARATORS.source}\d+)*)` +
    String.raw`(?:[eE]([-+−]?\d+)|\s?(?:[×·*x]|\\times|\\cdot)\s?10` +
    String.raw`(?:\^\{?([-+−]?\d+)\}?|([⁺⁻]?[⁰¹²³⁴-⁹]+)))?`,
  "gu",
);
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * The last number of a text, or null where it has none. A currency's or percent sign and letters around it
 * are passed over; of a fraction such as 3/4 and a list such as 1,2,3 it is what stands last. One comma or
 * point is a decimal separator, unless it is a comma that parts thousands; several alike part thousands. A
 * minus after a letter, digit or bracket is a hyphen.
 */
export function lastNumber(text: string): FoundNumber | null {
  const plain = withAsciiDigits(text);
  let last: RegExpExecArray | null = null;
  for (const found of plain.matchAll(NUMBERS)) last = found;
  if (last === null) return null;
  const [whole, body = "", exponent, power, raised] = last;
  let before = plain.slice(Math.max(0, last.index - 8), last.index);
  let { digits, isWhole } = withoutGroups(body);
  let shown = isWhole ? body : digits;
  // ".5", but neither "No.5" nor "...5".
  if (!SEPARATORS.test(body) && /(?<![\p{L}\p{N}.)])\.$/u.test(before)) {
    digits = `0.${digits}`;
    shown = digits;
    before = before.slice(0, -1);
  }
  const isNegative = isWhole && /(?<![\p{L}\p{N}_)\]}-])[-−]\p{Sc}?$/u.test(before);
  const said = `${isNegative ? "-" : ""}${shown}${whole.slice(body.length)}`.slice(0, 50);
  const tens = exponent ?? power ?? (raised === undefined ? "0" : lowered(raised));
  return { said, value: decimalOf(digits, tens.replace("−", "-"), isNegative) };
}

/** Whether two numbers are no further apart than is allowed; a percentage is one of the reference. */
export function areWithin(answer: Decimal, reference: Decimal, { tolerance, unit }: Tolerance): boolean {
  const [digits = "", tens = "0"] = String(tolerance).split("e");
  const allowed = decimalOf(digits, tens, false);
  if (allowed === null) return true;
  const [left, right, scale] = aligned(answer, reference);
  const apart = { units: left > right ? left - right : right - left, scale };
  if (unit === "absolute") return isAtMost(apart, allowed);
  const size = reference.units < 0n ? -reference.units : reference.units;
  return isAtMost(apart, { units: allowed.units * size, scale: allowed.scale + reference.scale + 2 });
}

function isAtMost(left: Decimal, right: Decimal): boolean {
  const [smaller, larger] = aligned(left, right);
  return smaller <= larger;
}

/** The units of two numbers at one scale. */
function aligned(left: Decimal, right: Decimal): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  const at = (one: Decimal): bigint => one.units * 10n ** BigInt(scale - one.scale);
  return [at(left), at(right), scale];
}

/** The number of plain digits and a power of ten, or null where it is too large to compare. */
function decimalOf(digits: string, tens: string, isNegative: boolean): Decimal | null {
  const [whole = "", fraction = ""] = digits.split(".");
  const counted = fraction.slice(0, MOST_DIGITS);
  const scale = counted.length - Number(tens);
  if (whole.length > MOST_DIGITS) return null;
  const units = BigInt(`${isNegative ? "-" : ""}${whole}${counted}`);
  if (units === 0n || scale > 3 * MOST_DIGITS) return { units: 0n, scale: 0 };
  if (scale < -MOST_DIGITS) return null;
  return scale < 0 ? { units: units * 10n ** BigInt(-scale), scale: 0 } : { units, scale };
}

/**
 * Groups of digits as one number with a point: 1,234.5 and 1.234,5 are 1234.5. What is no number as a whole,
 * as 1,2,3 or 30.11.2026, is its last one.
 */
function withoutGroups(body: string): { digits: string; isWhole: boolean } {
  const groups = body.split(SEPARATORS);
  const separators = [...body].filter((sign) => SEPARATORS.test(sign));
  const last = separators.at(-1);
  if (last === undefined) return { digits: body, isWhole: true };
  const earlier = separators.slice(0, -1);
  const tail = groups.at(-1) ?? "";
  const front = groups.slice(0, -1);
  const withPoint = { digits: `${front.join("")}.${tail}`, isWhole: true };
  if ((last === "." || last === ",") && earlier.length > 0 && earlier[0] !== last)
    if (areAlike(earlier) && areThousands(front)) return withPoint;
  if (areAlike(separators)) {
    if (last === "." && earlier.length === 0) return withPoint;
    if (areThousands(groups)) return { digits: groups.join(""), isWhole: true };
    if (last === "," && earlier.length === 0) return withPoint;
  }
  const isPointed = last === "." && earlier.at(-1) !== ".";
  return { digits: isPointed ? `${front.at(-1) ?? ""}.${tail}` : tail, isWhole: false };
}

function areAlike(separators: readonly string[]): boolean {
  return separators.every((one) => one === separators[0]);
}

function areThousands([first = "", ...others]: readonly string[]): boolean {
  return /^[1-9]\d{0,2}$/.test(first) && others.every((group) => group.length === 3);
}

/** ⁻¹² as -12. */
function lowered(raised: string): string {
  const signs = [...raised].map((sign) => (sign === "⁻" ? "-" : sign === "⁺" ? "+" : RAISED.indexOf(sign)));
  return signs.join("");
}

/** The text with digits of every script, and the signs of full-width and Arabic numbers, in ASCII. */
function withAsciiDigits(text: string): string {
  const known = new Map<string, string>();
  return text
    .replace(/(?<=[０-９])，(?=[０-９])/gu, ",")
    .replace(/[．٫]/gu, ".")
    .replaceAll("٬", ",")
    .replaceAll("－", "-")
    .replace(/(?![0-9])\p{Nd}/gu, (sign) => {
      const digit = known.get(sign) ?? digitOf(sign);
      known.set(sign, digit);
      return digit;
    });
}

/** Unicode keeps the ten digits of a script together and in order, so the first of their run is a zero. */
function digitOf(sign: string): string {
  const point = sign.codePointAt(0) ?? 0;
  let zero = point;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String((point - zero) % 10);
}
