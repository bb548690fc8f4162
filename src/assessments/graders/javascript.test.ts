// Code of users that grades: what it may be, and that whatever it does ends, stays inside and scores the same again.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { limits } from "../../kit/limits.ts";
import { caller, caseOf, gradesBy, openGrading } from "../grading.test-kit.ts";
import { type Grade, parseGrader } from "./graders.ts";

setDefaultTimeout(60_000);
const grading = openGrading();
const { grades, gradeOf, whyOf, refusalOf } = gradesBy(grading);
afterAll(() => grading.close());

describe("code", () => {
  test("is an expression, a function or a body, and gives a number, true or false, or an object", async () => {
    const right: [code: string, grade: Grade][] = [
      ["answer === reference", { score: 1, detail: null }],
      ["return answer.length > 100", { score: 0, detail: null }],
      ["({ answer, reference }) => answer === reference", { score: 1, detail: null }],
      [
        "function any({ row }) { return row.topic === 'geography' ? 0.25 : 0 }",
        { score: 0.25, detail: null },
      ],
      [
        "const half = 1 / 2;\nreturn { score: half, detail: 'half' } // so it is",
        { score: 0.5, detail: "half" },
      ],
      ["answer.length / 10 // letters", { score: 0.5, detail: null }],
      ["({ score: true, detail: 7 })", { score: 1, detail: null }],
      ["-0", { score: 0, detail: null }],
      ['JSON.stringify([...new Set(answer)]) === \'["P","a","r","i","s"]\'', { score: 1, detail: null }],
    ];
    for (const [code, grade] of right)
      expect([code, await gradeOf(`javascript:${code}`)]).toEqual([code, grade]);
    expect(await gradeOf("javascript:reference === null", "x", null)).toEqual({ score: 1, detail: null });
    expect(await gradeOf("javascript:1", "  ")).toEqual({ score: 0, detail: "The answer is empty." });
  });

  test("what is no score leaves the answer unscored, and says why", async () => {
    const wrong: [code: string, why: string][] = [
      ["1.5", "The code returned 1.5; a score is a number from 0 to 1."],
      ["NaN", "The code returned NaN; a score is a number from 0 to 1."],
      ["-Infinity", "The code returned -Infinity; a score is a number from 0 to 1."],
      ["const x = 1;", "The code returned undefined, which is no score."],
      ["null", "The code returned null, which is no score."],
      ["'1'", "The code returned string, which is no score."],
      ["1n", "The code returned bigint, which is no score."],
      ["Symbol.iterator", "The code returned symbol, which is no score."],
      ["[1]", "The code returned an object without a score."],
      ["({ score: '1' })", "The code returned string, which is no score."],
      ["async () => 1", "The code returned a promise; it must give its score at once, without await."],
      ["Promise.resolve(1)", "The code returned a promise; it must give its score at once, without await."],
      ["answer.nothing.at", "The code failed: TypeError: cannot read property 'at' of undefined (line 1)."],
      ["const a = 1;\n\nthrow new Error('so')", "The code failed: Error: so (line 3)."],
      ["throw null", "The code failed: a value that is no error."],
      ["throw { message: 7 }", "The code failed: Error: 7."],
    ];
    for (const [code, why] of wrong) expect([code, await whyOf(`javascript:${code}`)]).toEqual([code, why]);
  });

  test("what cannot be read is refused with its line, before anything is asked", async () => {
    const { code, field, message, hint } = await refusalOf("javascript:const a = 1;\nreturn a +;");
    expect([code, field]).toEqual(["GRADER_INVALID", "grader"]);
    expect(message).toBe(
      "The grader's code cannot be read: SyntaxError: unexpected token in expression: ';' (line 2).",
    );
    expect(hint).toStartWith("Mend the code");
    await refusalOf(`javascript:${"(".repeat(20_000)}`);
    await refusalOf("javascript:import x from 'fs'");
    await refusalOf("javascript:}");
    await grading.check("p", [parseGrader("javascript:answer => 1"), parseGrader("exact")]);
  });

  test("reaches nothing outside", async () => {
    const names = [
      ...[
        "process",
        "require",
        "fetch",
        "Bun",
        "module",
        "console",
        "WebAssembly",
        "Worker",
        "self",
        "window",
      ],
      ...[
        "setTimeout",
        "setInterval",
        "XMLHttpRequest",
        "WebSocket",
        "crypto",
        "Atomics",
        "navigator",
        "std",
        "os",
      ],
    ];
    for (const name of names)
      expect([name, await whyOf(`javascript:typeof ${name} === "undefined"`)]).toEqual([
        name,
        "scored 1 null",
      ]);
    expect(await whyOf("javascript:import('fs')")).toStartWith("The code returned a promise");
    expect(await whyOf("javascript:answer.constructor.constructor('return process')()")).toBe(
      "The code failed: ReferenceError: process is not defined (line 1).",
    );
    expect(await whyOf("javascript:(() => {}).constructor('return this')() === globalThis")).toBe(
      "scored 1 null",
    );
  });

  test("starts afresh for each answer, and scores the same at any time", async () => {
    const count =
      "javascript:globalThis.n = (globalThis.n ?? 0) + 1;\nArray.prototype.at = null;\nreturn n === 1";
    const chance =
      "javascript:({ score: Math.random(), detail: [Date.now(), new Date().toISOString(), performance.now()].join() })";
    const ones = await grades(count, ["a", "b", "c"]);
    expect(ones.map(({ score }) => score)).toEqual([1, 1, 1]);
    const [first, second] = await grades(chance, ["a", "b"]);
    const other = openGrading();
    expect(second).toEqual(first as Grade);
    expect(await gradesBy(other).grades(chance, ["c"])).toEqual([first as Grade]);
    await other.close();
    expect(first?.score).toBeGreaterThan(0);
  });

  test("games with prototypes change nothing outside", async () => {
    const games = [
      "Object.prototype.score = 1; return {}",
      "Object.defineProperty(Object.prototype, 'detail', { get() { return 'x'.repeat(1e6) } }); return { score: 1 }",
      "return new Proxy({}, { get: (_, key) => key === 'score' ? 1 : 'of a proxy' })",
      "JSON.parse = null; Number.prototype.valueOf = () => 9; return 1",
      "row.__proto__.polluted = 1; return 1",
    ];
    for (const code of games) expect([code, (await gradeOf(`javascript:${code}`)).score]).toEqual([code, 1]);
    const [grade] = await grading.grade(
      parseGrader(
        "javascript:Object.hasOwn(row, '__proto__') && row.__proto__.a === 1 && row.a === undefined",
      ),
      [{ answer: "a", reference: null, row: JSON.parse('{"__proto__":{"a":1}}') }],
      caller,
    );
    expect(grade?.score).toBe(1);
    const long = await gradeOf("javascript:({ score: 1, detail: 'x'.repeat(1e7) })");
    expect(long).toEqual({ score: 1, detail: "x".repeat(limits.graderDetailChars) });
  });

  test("memory and depth have an end, and the next answer is graded", async () => {
    const wrong: [code: string, why: RegExp][] = [
      ["const a = []; for (;;) a.push(new Array(1e5).fill(1))", /limit graderMemoryBytes/],
      [
        "try { const a = []; for (;;) a.push(new Array(1e5).fill(1)) } catch { return 1 }",
        /limit graderMemoryBytes/,
      ],
      ["'x'.repeat(2 ** 29)", /limit graderMemoryBytes/],
      ["let s = 'x'; for (;;) s += s", /string too long/],
      ["new Uint8Array(2 ** 31 - 1)", /limit graderMemoryBytes|invalid array buffer length/],
      ["(function deep() { return deep() + 1 })()", /call stack size exceeded|nests too deeply/],
      ["JSON.parse('['.repeat(2e5))", /call stack size exceeded|nests too deeply/],
      ["eval('('.repeat(1e6))", /call stack size exceeded|nests too deeply/],
      [
        "let o = {}; for (let i = 0; i < 5e4; i++) o = { o }; return JSON.stringify(o).length",
        /call stack size exceeded|nests too deeply|graderMs/,
      ],
    ];
    for (const [code, why] of wrong) {
      expect(await whyOf(`javascript:${code}`)).toMatch(why);
      expect(await whyOf("javascript:1")).toBe("scored 1 null");
    }
  }, 300_000);

  test("loops end at their limit, however they go on, and are given up after some", async () => {
    const loops = [
      "for (;;) {}",
      "try { for (;;) {} } finally { for (;;) {} }",
      "/(a+)+$/.test('a'.repeat(40) + 'b')",
      "({ get score() { for (;;) {} } })",
    ];
    for (const code of loops) {
      const started = performance.now();
      expect([code, await whyOf(`javascript:${code}`)]).toEqual([
        code,
        `The code took more than ${limits.graderMs} ms for one answer, the limit graderMs.`,
      ]);
      expect(performance.now() - started).toBeLessThan(limits.graderSilenceMs);
    }
    const spec = parseGrader("javascript:if (answer === 'good') return 1;\nfor (;;) {}");
    const one = async (answer: string): Promise<string> => {
      const [grade] = await grading.grade(spec, [caseOf(answer, null)], caller);
      return grade?.score === null ? grade.why : String(grade?.score);
    };
    for (let at = 1; at < limits.graderFailures; at++) expect(await one("bad")).toInclude("limit graderMs");
    // One that is graded in time begins the count anew.
    expect(await one("good")).toBe("1");
    const all = await Promise.all(Array.from({ length: limits.graderFailures + 3 }, () => one("bad")));
    expect(all.filter((why) => why.includes("limit graderMs"))).toHaveLength(limits.graderFailures);
    expect(all.filter((why) => why.includes("5 answers in a row"))).toHaveLength(3);
    expect(await one("good")).toInclude("is not asked any more");
    expect(await whyOf("javascript:1")).toBe("scored 1 null");
  }, 300_000);
});
