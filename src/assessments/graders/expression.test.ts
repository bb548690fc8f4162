// Users' expressions: what they find, what is refused, and that none takes long.
import { expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { gradeAnswer, parseGrader } from "./graders.ts";

const grade = (expression: string, answer: string) =>
  gradeAnswer(parseGrader(`regex:${expression}`), answer, null);

function refusalOf(expression: string): string {
  try {
    parseGrader(`regex:${expression}`);
  } catch (error) {
    if (error instanceof EspalierError && error.code === "GRADER_INVALID") return error.message;
    throw error;
  }
  throw new Error(`${expression} was taken`);
}

test("an expression is found anywhere, and needs no reference", () => {
  expect(grade("[Pp]aris\\b", "It is paris.")).toEqual({ score: 1, detail: null });
  expect(grade("^paris$", "It is paris.")).toEqual({ score: 0, detail: null });
  expect(grade("(?i)É", "café")).toEqual({ score: 1, detail: null });
  expect(grade("^\\p{Han}+$", "巴黎")).toEqual({ score: 1, detail: null });
  expect(grade("^.$", "😀")).toEqual({ score: 1, detail: null });
  expect(grade("(?m)^b$", "a\nb\nc")).toEqual({ score: 1, detail: null });
});

test("what backtracks without end elsewhere returns within a second", () => {
  const answer = `${"a".repeat(50_000)}b`;
  for (const expression of ["(a+)+$", "^(a|aa)+$", "(a*)*c", "(.*)*x[yz]", "(a|a?)+[cd]$"]) {
    const started = performance.now();
    expect(grade(expression, answer).score).toBe(0);
    expect(performance.now() - started).toBeLessThan(1_000);
  }
});

test("large expressions are refused, and large ones with long answers left unscored", () => {
  expect(refusalOf("((a{100}){100}){100}")).toInclude("invalid");
  expect(refusalOf("(.?){1000}x")).toInclude("instructions");
  expect(refusalOf("(".repeat(1_500))).toInclude("1500 characters");
  let seed = 1;
  const answer = Array.from({ length: 100_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed > 1_073_741_824 ? "a" : "b";
  }).join("");
  // Without a bound this takes half a minute: each letter is a step of each of a thousand places.
  expect(grade("\\Ba[ab]{900}[cd]\\B", answer)).toEqual({
    score: null,
    why: "The answer's 100000 characters are too many for so large an expression.",
  });
  expect(grade("a[ab]{20}[cd]", answer).score).toBe(0);
});

test("what RE2 leaves out is refused by name", () => {
  expect(refusalOf("(?<=a)b")).toInclude("a look-behind");
  expect(refusalOf("(?<!a)b")).toInclude("a look-behind");
  expect(refusalOf("a(?=b)")).toInclude("a look-ahead");
  expect(refusalOf("a(?!b)")).toInclude("a look-ahead");
  expect(refusalOf("(a)\\1")).toInclude("a back-reference");
  expect(refusalOf("(?<n>a)\\k<n>")).toInclude("a back-reference");
  expect(refusalOf("(?P<n>a)(?P=n)")).toInclude("a back-reference");
  expect(refusalOf("(?>a)b")).toInclude("an atomic group");
  expect(refusalOf("(?(1)a|b)")).toInclude("a condition");
  expect(refusalOf("a*+b")).toInclude("a possessive repetition");
  expect(refusalOf("(a")).toBe("The grader's expression is invalid: missing closing ).");
  expect(refusalOf("[a")).toInclude("missing closing ]");
});

test("a stored expression that cannot be matched is refused when it is used", () => {
  expect(() => gradeAnswer({ kind: "regex", expression: "(?=a)" }, "a", null)).toThrow(EspalierError);
});
