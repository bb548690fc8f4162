// Templates: taken apart, checked and filled, with braces and values made to break them.
import { expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { checkTemplate, fillTemplate, parseTemplate } from "./template.ts";

const fill = (text: string, values: Record<string, unknown>) => fillTemplate(parseTemplate(text), values);
const messages = (text: string, columns: string[]) =>
  checkTemplate(text, columns, []).map((one) => one.message);

test("a template is text and variables", () => {
  expect(parseTemplate("Q: {{ question }}\nA: {{a.b c}}{{question}}!")).toEqual({
    parts: [
      { kind: "text", text: "Q: " },
      { kind: "variable", name: "question" },
      { kind: "text", text: "\nA: " },
      { kind: "variable", name: "a.b c" },
      { kind: "variable", name: "question" },
      { kind: "text", text: "!" },
    ],
    variables: ["question", "a.b c"],
  });
  expect(parseTemplate("")).toEqual({ parts: [], variables: [] });
  expect(parseTemplate("{ a } }} {").variables).toEqual([]);
});

test("JSON may stand around a variable", () => {
  expect(fill('{"q": {{q}}}', { q: 1 })).toBe('{"q": 1}');
  expect(fill("{{{q}}}", { q: 1 })).toBe("{1}");
  expect(fill("{{{{q}}}}", { q: 1 })).toBe("{{1}}");
  expect(fill('{"a":{"b":1}} {{q}}', { q: 1 })).toBe('{"a":{"b":1}} 1');
});

test("values go in as they are, and are never read as templates", () => {
  expect(fill("{{a}}-{{b}}", { a: "{{b}}", b: "$& $1 $$ $` \\1 {{a}}" })).toBe("{{b}}-$& $1 $$ $` \\1 {{a}}");
  expect(fill("{{a}}", { a: "" })).toBe("");
  expect(fill("{{a}}{{b}}{{c}}{{d}}", { a: 1.5, b: null, c: ["x", { y: true }], d: false })).toBe(
    '1.5null["x",{"y":true}]false',
  );
});

test("a value that is not there is said, and what objects inherit is none", () => {
  for (const name of ["constructor", "__proto__", "toString", "missing"]) {
    let thrown: unknown;
    try {
      fill(`{{${name}}}`, { a: 1 });
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof EspalierError)) throw new Error(`${name} had a value`);
    expect([thrown.code, thrown.field, thrown.value]).toEqual(["TEMPLATE_VALUE_MISSING", "template", name]);
  }
  expect(fill("{{constructor}}", { constructor: "Ferrari" })).toBe("Ferrari");
});

test("a good template has no problems", () => {
  expect(checkTemplate("{{a b}} {{c.d}} {{ResponseA}}", ["a b", "c.d"], ["ResponseA"])).toEqual([]);
  expect(checkTemplate("plain", [], [])).toEqual([]);
  expect(checkTemplate("{{ResponseB}}", ["ResponseB"], [])).toEqual([]);
});

test("each problem is told once, in order, with a mend", () => {
  const problems = checkTemplate("{{}} {{qestion}} {{qestion}} {{ResponseA}} {{ zzz", ["Question"], []);
  expect(problems).toEqual([
    {
      code: "NAME_MISSING",
      at: 0,
      message: "Nothing is named between the braces at character 1.",
      hint: "Put the name of a column between them.",
    },
    {
      code: "VARIABLE_UNKNOWN",
      at: 5,
      message: 'There is no column "qestion".',
      hint: 'Did you mean "Question"?',
    },
    {
      code: "VARIABLE_UNKNOWN",
      at: 29,
      message: "ResponseA has no value here.",
      hint: "Take it out, or name a column.",
    },
    {
      code: "BRACES_UNCLOSED",
      at: 43,
      message: "The two opening braces at character 44 are never closed.",
      hint: "Close them with two braces behind the column's name.",
    },
  ]);
  expect(checkTemplate("{{question}}", ["Question"], [])[0]?.hint).toBe('Did you mean "Question"?');
  expect(checkTemplate("{{abcdef}}", ["Question"], [])[0]?.hint).toBe("Use one of the columns: Question.");
  expect(checkTemplate("{{abcdef}}", [], [])[0]?.hint).toBe("There are no columns: take it out.");
});

test("braces that are opened again are unclosed, and the rest is still read", () => {
  expect(messages("{{ a {{b}}", ["b"])).toEqual(["The two opening braces at character 1 are never closed."]);
  expect(fill("{{ a {{b}}", { b: 1 })).toBe("{{ a 1");
  expect(messages("{{ \n }}", [])).toEqual(["Nothing is named between the braces at character 1."]);
  expect(fill("{{}}", {})).toBe("{{}}");
});

test("templates and values of a megabyte take little time", () => {
  const columns = Array.from({ length: 10_000 }, (_, at) => `a rather long name of a column ${at} and so on`);
  for (const piece of ["{{", "{", "}}", "{{}}", "{{a", "{{a}}", "{{ {{x", "}} {{"]) {
    const text = piece.repeat(1_000_000 / piece.length);
    const started = performance.now();
    parseTemplate(text);
    expect(checkTemplate(text, columns, []).length).toBeLessThanOrEqual(10);
    expect([piece, performance.now() - started < 2_000]).toEqual([piece, true]);
  }
  const many = Array.from({ length: 1_000 }, (_, at) => `{{b rather lung nome of a colomn ${at} und so un}}`);
  const started = performance.now();
  expect(checkTemplate(many.join(""), columns, [])).toHaveLength(10);
  expect(performance.now() - started).toBeLessThan(5_000);
});
