// Graders: what each gives, what stays unscored, and answers made to break them.
import { describe, expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { uniform } from "../../kit/random.ts";
import {
  type GraderSpec,
  gradeAnswer,
  graderLabel,
  graderSpecSchema,
  graderTitle,
  parseGrader,
} from "./graders.ts";

/** The score, or why there is none. */
function scoreOf(line: string, answer: string, reference: string | null): number | string {
  const grade = gradeAnswer(parseGrader(line), answer, reference);
  return grade.score === null ? grade.why : grade.score;
}

function detailOf(line: string, answer: string, reference: string | null): string | null {
  const grade = gradeAnswer(parseGrader(line), answer, reference);
  return grade.score === null ? null : grade.detail;
}

function refusalOf(line: string): EspalierError {
  try {
    parseGrader(line);
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error(`${line} was taken`);
}

describe("the line of a grader", () => {
  const lines: Record<string, GraderSpec> = {
    exact: { kind: "exact" },
    normalised: { kind: "normalised" },
    contains: { kind: "contains" },
    "regex:^a: (b|c) $": { kind: "regex", expression: "^a: (b|c) $" },
    json: { kind: "json" },
    "json-field:a b.c[0][1].d": { kind: "json-field", path: "a b.c[0][1].d" },
    "numeric:0.01": { kind: "numeric", tolerance: 0.01, unit: "absolute" },
    "numeric:1e-7": { kind: "numeric", tolerance: 1e-7, unit: "absolute" },
    "numeric:5%": { kind: "numeric", tolerance: 5, unit: "percent" },
    bleu: { kind: "bleu" },
    "rouge-1": { kind: "rouge-1" },
    "rouge-2": { kind: "rouge-2" },
    "rouge-l": { kind: "rouge-l" },
    chrf: { kind: "chrf" },
    similarity: { kind: "similarity", model: null },
    "similarity:openai/text-embedding-3-small": {
      kind: "similarity",
      model: "openai/text-embedding-3-small",
    },
    'json-schema:{"type": ["object"], "minProperties": 1}': {
      kind: "json-schema",
      schema: '{"type": ["object"], "minProperties": 1}',
    },
    "json-schema:true": { kind: "json-schema", schema: "true" },
    "javascript: return answer ===\n  `a:b` ": {
      kind: "javascript",
      code: " return answer ===\n  `a:b` ",
    },
    "judge:openai:some model": { kind: "judge", model: "openai:some model" },
  };

  test("is read, stored as JSON and written again", () => {
    for (const [line, spec] of Object.entries(lines)) {
      expect(parseGrader(line)).toEqual(spec);
      expect(graderSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
      expect(graderLabel(spec)).toBe(line);
    }
  });

  test("is refused with its field, value and a mend", () => {
    const wrong = [
      "",
      "exakt",
      "exact:",
      "json:a",
      "regex",
      "regex:",
      "json-field",
      "json-field: ",
      "json-field:a..b",
      "json-field:.a",
      "json-field:a[x]",
      "json-field:a[-1]",
      "json-field:a[0]b",
      "json-field:a.",
      "numeric",
      "numeric:",
      "numeric:-1",
      "numeric:NaN",
      "numeric:Infinity",
      "numeric:1e999",
      "numeric:0x10",
      "numeric:0,01",
      "numeric:%",
      "bleu:4",
      "rouge-3",
      "rouge",
      "similarity: ",
      "json-schema",
      "json-schema:{",
      "json-schema:null",
      "json-schema:[]",
      "json-schema:7",
      `json-schema:"${"s".repeat(100_000)}"`,
      "javascript",
      "javascript: \n",
      `javascript:${"j".repeat(20_001)}`,
      "python:return 1",
      "judge: ",
      `judge:${"m".repeat(501)}`,
      `json-field:${"p".repeat(501)}`,
      `regex:${"r".repeat(1_001)}`,
    ];
    for (const line of wrong) {
      const { code, field, value, hint } = refusalOf(line);
      expect([line, code, field, value]).toEqual([line, "GRADER_INVALID", "grader", line.slice(0, 200)]);
      expect(hint).toBeString();
    }
    expect(refusalOf("normalized").hint).toStartWith("Did you mean normalised?");
    expect(refusalOf("something").hint).toStartWith("Use one of exact, normalised");
  });

  test("of whatever it is made, is read back as it was written", () => {
    const next = uniform(7);
    const signs = [..."ab :{}[]()\"'`\\/$%@0.,;=>\n\t", "é", "巴", "😀", "\u2028", "\ud800"];
    for (let round = 0; round < 2_000; round++) {
      const text = Array.from(
        { length: 1 + 40 * next() },
        () => signs[Math.floor(next() * signs.length)],
      ).join("");
      if (text.trim() === "") continue;
      const specs: GraderSpec[] = [
        { kind: "javascript", code: text },
        { kind: "json-schema", schema: JSON.stringify({ const: text }) },
        { kind: "similarity", model: text.trim() },
        { kind: "judge", model: text.trim() },
      ];
      for (const spec of specs) {
        expect(parseGrader(graderLabel(spec))).toEqual(spec);
        expect(graderTitle(spec)).not.toMatch(/[\n\t]/);
        expect(graderTitle(spec).length).toBeLessThanOrEqual(80);
      }
    }
  });

  test("of Python is refused, with what runs in a sandbox instead", () => {
    expect(refusalOf("python:return 1").message).toBe(
      "There is no grader python: its code would run with all rights of the server.",
    );
    expect(refusalOf("python:return 1").hint).toInclude("javascript:CODE");
  });

  test("is refused when stored with what no line could say", () => {
    const wrong = [
      { kind: "numeric", tolerance: -1, unit: "absolute" },
      { kind: "numeric", tolerance: Number.NaN, unit: "absolute" },
      { kind: "json-field", path: "a..b" },
      { kind: "regex", expression: "" },
      { kind: "javascript", code: "" },
      { kind: "similarity" },
      { kind: "exact", more: 1 },
      { kind: "__proto__" },
    ];
    for (const spec of wrong) expect(graderSpecSchema.safeParse(spec).success).toBe(false);
  });
});

test("an empty answer has 0 with every grader, and a judge is not asked here", () => {
  for (const line of ["exact", "normalised", "contains", "regex:^$", "json", "json-field:a", "numeric:1"])
    for (const reference of [null, "", "x", "1", "{"]) expect(scoreOf(line, " \n\u3000", reference)).toBe(0);
  expect(() => gradeAnswer({ kind: "judge", model: "m" }, "a", null)).toThrow("need time");
});

test("without a reference nothing is guessed", () => {
  for (const line of ["exact", "normalised", "contains", "json-field:a", "numeric:1"]) {
    expect(scoreOf(line, "1", null)).toBe("The row has no reference.");
    expect(scoreOf(line, "1", " ")).toBe("The reference is empty.");
  }
  expect(scoreOf("normalised", "x", "?!")).toBe("Nothing but punctuation is in the reference.");
});

test("exact: nothing but the blanks around does not count", () => {
  expect(scoreOf("exact", " \tParis\n", "Paris ")).toBe(1);
  expect(scoreOf("exact", "paris", "Paris")).toBe(0);
  expect(scoreOf("exact", "New  York", "New York")).toBe(0);
  // One letter as one character, and as a letter with a combining mark.
  expect(scoreOf("exact", "caf\u00e9", "cafe\u0301")).toBe(0);
});

test("contains: case does not count, in any script, nor how a letter is composed", () => {
  expect(scoreOf("contains", "It is PARIS, of course.", " Paris\n")).toBe(1);
  expect(scoreOf("contains", "It is Lyon.", "Paris")).toBe(0);
  expect(scoreOf("contains", "In der STRASSE", "straße")).toBe(1);
  expect(scoreOf("contains", "ο ΟΔΟΣ μας", "οδος")).toBe(1);
  expect(scoreOf("contains", "un CAFE\u0301", "caf\u00e9")).toBe(1);
  expect(scoreOf("contains", "a resume\u0301", "resume")).toBe(0);
  expect(scoreOf("contains", "ısı", "isi")).toBe(0);
  expect(scoreOf("contains", "a.c", ".*")).toBe(0);
  expect(scoreOf("contains", "x".repeat(1_000_000), `${"x".repeat(400_000)}y`)).toBe(0);
});

test("json: equal by value, whatever the order of keys", () => {
  const wanted = '{"a": [1, 2.50, {"b": null}], "c": "ü"}';
  expect(scoreOf("json", '{"c":"\\u00fc","a":[1.0,25e-1,{"b":null}]}', wanted)).toBe(1);
  expect(scoreOf("json", '{"c":"ü","a":[2.5,1,{"b":null}]}', wanted)).toBe(0);
  expect(scoreOf("json", '{"c":"ü","a":[1,2.5,{}]}', wanted)).toBe(0);
  expect(scoreOf("json", "[]", "{}")).toBe(0);
  expect(scoreOf("json", "null", "{}")).toBe(0);
  expect(scoreOf("json", "0", "-0")).toBe(1);
  expect(scoreOf("json", "[1]", "nonsense")).toStartWith("The reference is no JSON: ");
  expect(scoreOf("json", '{"a":1}', null)).toBe(1);
  expect(scoreOf("json", "{a:1}", null)).toBe(0);
  expect(detailOf("json", "{a:1}", null)).toStartWith("The answer is no JSON: ");
  for (const text of ["NaN", "Infinity", "-Infinity", "undefined", "[NaN]"])
    expect(scoreOf("json", text, null)).toBe(0);
});

test("json: one fence is taken off, and nothing else may stand around", () => {
  for (const answer of ['```json\n{"a":1}\n```', ' ```JSON {"a":1}```\n', '```\r\n{"a":1}\r\n```'])
    expect(scoreOf("json", answer, '{"a":1}')).toBe(1);
  for (const answer of [
    'Here: {"a":1}',
    '{"a":1} that is it',
    'Here:\n```json\n{"a":1}\n```',
    '```json\n{"a":1}\n```\nDone.',
    '```python\n{"a":1}\n```',
    '```json\n{"a":1}\n```\n```json\n{"a":1}\n```',
    "``````",
    "```",
  ])
    expect([answer, scoreOf("json", answer, '{"a":1}')]).toEqual([answer, 0]);
});

test("json: digits that no double holds count", () => {
  expect(scoreOf("json", "[9007199254740993]", "[9007199254740992]")).toBe(0);
  expect(scoreOf("json", '{"id":9007199254740993}', '{"id":9007199254740993.0}')).toBe(1);
  expect(scoreOf("json", "[1e999]", "[1e998]")).toBe(0);
  expect(scoreOf("json", "[1e999]", "[10e998]")).toBe(1);
  expect(scoreOf("json", "[0.1000000000000000055]", "[0.1]")).toBe(0);
  expect(scoreOf("json", `[1${"0".repeat(999_000)}1]`, "[1]")).toBe(0);
});

test("json: nests that could exhaust the stack have 0, or stay unscored", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    expect(scoreOf("json", deep, null)).toBe(0);
    expect(scoreOf("json", deep, "[]")).toBe(0);
    expect(scoreOf("json", "[]", deep)).toInclude("100000 levels");
    expect(scoreOf("json-field:a", deep, "1")).toBe(0);
    expect(scoreOf("json-field:a", '{"a":1}', deep)).toInclude("100000 levels");
    expect(scoreOf("json", open.repeat(100_000), null)).toBe(0);
  }
  expect(scoreOf("json", JSON.stringify("[".repeat(1_000)), null)).toBe(1);
});

test("json: what objects inherit is no part of them", () => {
  expect(scoreOf("json", '{"__proto__":{"a":1}}', "{}")).toBe(0);
  expect(scoreOf("json", '{"toString":1}', '{"a":1}')).toBe(0);
  expect(scoreOf("json", '{"__proto__":1}', '{"__proto__":1}')).toBe(1);
  for (const path of [
    "__proto__",
    "constructor",
    "constructor.name",
    "a.__proto__",
    "toString",
    "b.length",
    "c.length",
    "c[0]",
  ])
    expect([path, scoreOf(`json-field:${path}`, '{"a":{},"b":[1],"c":"text"}', "x")]).toEqual([path, 0]);
  expect(detailOf("json-field:__proto__.x", '{"a":1}', "x")).toBe("The answer has nothing at __proto__.x.");
  // Its own key of that name is a key as any other.
  expect(scoreOf("json-field:constructor", '{"constructor":"Ferrari"}', "Ferrari")).toBe(1);
});

test("json-field: one value, of a reference that is JSON or the value's text", () => {
  const answer = '```json\n{"a":{"b":[{"c":"Paris "},42]},"n":0.5,"t":true,"z":null}\n```';
  expect(scoreOf("json-field:a.b[0].c", answer, '{"a":{"b":[{"c":"Paris "}]}}')).toBe(1);
  expect(scoreOf("json-field:a.b[0].c", answer, '{"a":{"b":[{"c":"Paris"}]}}')).toBe(0);
  expect(scoreOf("json-field:a.b[0].c", answer, " Paris\n")).toBe(1);
  expect(scoreOf("json-field:a.b[1]", answer, "42")).toBe(1);
  expect(scoreOf("json-field:n", answer, "0.50")).toBe(1);
  expect(scoreOf("json-field:t", answer, "true")).toBe(1);
  expect(scoreOf("json-field:z", answer, "null")).toBe(1);
  expect(scoreOf("json-field:a.b[0]", answer, '{"a":{"b":[{"c":"Paris "}]}}')).toBe(1);
  expect(scoreOf("json-field:id", '{"id":9007199254740993}', "9007199254740993")).toBe(1);
  expect(scoreOf("json-field:id", '{"id":9007199254740993}', "9007199254740992")).toBe(0);
  expect(detailOf("json-field:a.b[1]", answer, "41")).toBe("The answer has 42 at a.b[1].");
  expect(detailOf("json-field:a.x", answer, "41")).toBe("The answer has nothing at a.x.");
  expect(detailOf("json-field:a.b[2]", answer, "41")).toBe("The answer has nothing at a.b[2].");
  expect(detailOf("json-field:a", "Paris", "Paris")).toStartWith("The answer is no JSON: ");
  expect(scoreOf("json-field:a.x", answer, '{"a":{}}')).toBe("The reference has nothing at a.x.");
});

test("numeric: within the tolerance, its end included", () => {
  expect(scoreOf("numeric:0.01", "It is 1.01.", "1")).toBe(1);
  expect(scoreOf("numeric:0.01", "It is 1.0100001.", "1")).toBe(0);
  expect(scoreOf("numeric:5%", "105", "100")).toBe(1);
  expect(scoreOf("numeric:5%", "-95", "-100")).toBe(1);
  expect(scoreOf("numeric:5%", "94.99", "100")).toBe(0);
  expect(scoreOf("numeric:5%", "0", "0")).toBe(1);
  expect(scoreOf("numeric:5%", "0.001", "0")).toBe(0);
  expect(scoreOf("numeric:0", "12345678901234567890", "12345678901234567891")).toBe(0);
  expect(scoreOf("numeric:0", "So 6 * 7 = 42%.", "#### 42")).toBe(1);
  expect(detailOf("numeric:1", "It is 1,234.", "7")).toBe(
    "The answer's last number is 1,234, the reference's 7.",
  );
  expect(detailOf("numeric:1", "I do not know", "7")).toBe("The answer has no number.");
  expect(scoreOf("numeric:1", "7", "seven")).toBe("The reference has no number.");
  for (const text of ["NaN", "Infinity", "-∞"]) {
    expect(scoreOf("numeric:1", text, "7")).toBe(0);
    expect(scoreOf("numeric:1", "7", text)).toBe("The reference has no number.");
  }
  expect(scoreOf("numeric:1", "1e999", "7")).toBe(0);
  expect(scoreOf("numeric:1", "7", "1e999")).toBe("The reference's number is too large to compare.");
  expect(scoreOf("numeric:1", "1e-999999999999", "0")).toBe(1);
});

test("answers of a megabyte are graded in little time", () => {
  const pieces = ["a ", "1,", "1.", "9", "𝟗", '"', "İ", "e\u0301", ",,,,", "- "];
  const answers = pieces.map((piece) => piece.repeat(Math.ceil(1_000_000 / piece.length)));
  const lines = ["normalised", "contains", "json", "json-field:a", "numeric:1", "regex:(x+x+)+y"];
  for (const line of lines)
    for (const answer of answers) {
      const started = performance.now();
      scoreOf(line, answer, "12");
      expect([line, answer.slice(0, 5), performance.now() - started < 2_000]).toEqual([
        line,
        answer.slice(0, 5),
        true,
      ]);
    }
}, 60_000);
