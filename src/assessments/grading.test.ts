// Grading where it is done: code and schemas of users in a process that is bounded, whatever they do.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type Embedder, estimateTokens } from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { type Grade, parseGrader } from "./graders/graders.ts";
import { createGrading } from "./grading.ts";

setDefaultTimeout(60_000);
const MAIN = join(import.meta.dir, "../main.ts");
const caller = { projectId: "p", userId: null, keyId: null, source: "assessment" as const };
/** Each letter of a to z is a direction; it fails at texts that say so. */
const letters: Embedder = {
  id: "letters:1",
  name: "letters",
  dimensions: 26,
  maxTokens: 20,
  counting: "estimated",
  countTokens: async (texts) => texts.map(estimateTokens),
  embed: async (texts) =>
    texts.map((text) => {
      if (text.includes("broken")) throw new Error("the embedder is down");
      const vector = new Float32Array(26);
      for (const [letter] of text.toLowerCase().matchAll(/[a-z]/g)) {
        const at = letter.charCodeAt(0) - 97;
        vector[at] = (vector[at] ?? 0) + (letter === "z" ? -1 : 1);
      }
      return vector;
    }),
};
const open = (bounds: Partial<Record<keyof typeof limits, number>> = {}) =>
  createGrading({
    embedders: {
      list: async () => [letters],
      find: async (_, wanted) => [letters].find(({ id, name }) => [id, name].includes(wanted)) ?? null,
    },
    usage: { record: async () => undefined },
    process: {
      command: [process.execPath, MAIN, "answer-grader"],
      env: {},
      limits: { ...limits, ...bounds },
    },
  });
const grading = open();
afterAll(() => grading.close());

const rowOf = (answer: string, reference: string | null) => ({
  answer,
  reference,
  row: { topic: "geography" },
});
async function gradesOf(
  line: string,
  answers: readonly string[],
  by = grading,
  reference: string | null = "Paris",
) {
  return by.grade(
    parseGrader(line),
    answers.map((answer) => rowOf(answer, reference)),
    caller,
  );
}
const gradeOf = async (line: string, answer = "Paris", reference: string | null = "Paris"): Promise<Grade> =>
  (await gradesOf(line, [answer], grading, reference))[0] ?? { score: null, why: "none" };
async function whyOf(line: string, answer?: string): Promise<string> {
  const grade = await gradeOf(line, answer);
  return grade.score === null ? grade.why : `scored ${grade.score} ${grade.detail}`;
}
async function refusalOf(line: string): Promise<EspalierError> {
  const error = await grading.check("p", [parseGrader(line)]).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof EspalierError) return error;
  throw new Error(`${line} was taken: ${error}`);
}

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
    const ones = await gradesOf(count, ["a", "b", "c"]);
    expect(ones.map(({ score }) => score)).toEqual([1, 1, 1]);
    const [first, second] = await gradesOf(chance, ["a", "b"]);
    const other = open();
    expect(second).toEqual(first as Grade);
    expect(await gradesOf(chance, ["c"], other)).toEqual([first as Grade]);
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
      const [grade] = await grading.grade(spec, [rowOf(answer, null)], caller);
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

describe("a JSON schema", () => {
  const city = JSON.stringify({
    type: "object",
    properties: { city: { type: "string", pattern: "^[A-Z]" }, people: { type: "integer", minimum: 1 } },
    required: ["city"],
    additionalProperties: false,
  });

  test("allows, or says what is wrong and where", async () => {
    const grades: [answer: string, grade: Grade][] = [
      ['```json\n{"city":"Paris","people":2102650}\n```', { score: 1, detail: null }],
      [
        '{"city":"Paris","people":0}',
        { score: 0, detail: "The answer does not fit the schema at /people: 0 is less than 1." },
      ],
      [
        '{"people":1}',
        {
          score: 0,
          detail:
            'The answer does not fit the schema at its root: Instance does not have required property "city".',
        },
      ],
      [
        '{"city":"Paris","x":1}',
        {
          score: 0,
          detail:
            'The answer does not fit the schema at its root: Property "x" does not match additional properties schema.',
        },
      ],
      [
        '{"city":"paris"}',
        { score: 0, detail: "The answer does not fit the schema at /city: String does not match pattern." },
      ],
      [
        "Paris",
        { score: 0, detail: 'The answer is no JSON: JSON Parse error: Unexpected identifier "Paris".' },
      ],
    ];
    for (const [answer, grade] of grades)
      expect(await gradeOf(`json-schema:${city}`, answer, null)).toEqual(grade);
    expect((await gradeOf('json-schema:{"type":"integer"}', "12345678901234567890")).score).toBe(1);
    expect((await gradeOf("json-schema:false", "1")).score).toBe(0);
    expect(await whyOf('json-schema:{"$ref":"#"}', "1")).toBe("The schema refers to itself without end.");
  });

  test("that could never hold is refused with its place", async () => {
    const wrong: [schema: string, message: string][] = [
      ['{"type":"objekt"}', "it is wrong at /type: Instance does not match any of"],
      [
        '{"properties":{"a":{"minimum":"3"}}}',
        'it is wrong at /properties/a/minimum: Instance type "string" is invalid',
      ],
      ['{"pattern":"("}', 'it is wrong at /pattern: String does not match format "regex"'],
      ['{"$ref":"#/$defs/x"}', 'its $ref "#/$defs/x" leads to nothing in it'],
      [
        '{"$ref":"https://example.com/x.json"}',
        'its $ref "https://example.com/x.json" leads to nothing in it',
      ],
      ['{"$ref":"file:///etc/passwd"}', 'its $ref "file:///etc/passwd" leads to nothing in it'],
      ['{"$dynamicRef":"#x"}', "$dynamicRef is not supported"],
      ['{"$schema":"http://json-schema.org/draft-07/schema#"}', "its $schema is"],
      [`${'{"not":'.repeat(5_000)}{}${"}".repeat(5_000)}`, "it nests too deeply"],
    ];
    for (const [schema, message] of wrong) {
      const error = await refusalOf(`json-schema:${schema}`);
      expect([schema.slice(0, 60), error.code]).toEqual([schema.slice(0, 60), "GRADER_INVALID"]);
      expect(error.message).toInclude(message);
    }
  });

  test("whose pattern never ends costs one answer its score, and the others are graded", async () => {
    const impatient = open({ graderSilenceMs: 1_500 });
    const spec = 'json-schema:{"pattern":"^(([a-z])+.)+[A-Z]([a-z])+$"}';
    const long = JSON.stringify("a".repeat(60));
    const grades = await gradesOf(spec, ['"aB1Cd"', long, '"Aa"'], impatient);
    expect(grades.map((grade) => (grade.score === null ? grade.why : grade.score))).toEqual([
      expect.any(Number),
      "The grader took more than 1500 ms for one answer, the limit graderSilenceMs.",
      expect.any(Number),
    ]);
    await impatient.close();
  });
});

describe("measures of texts", () => {
  test("are scores from 0 to 1 of answer and reference", async () => {
    const kinds = ["bleu", "rouge-1", "rouge-2", "rouge-l", "chrf", "similarity"];
    for (const kind of kinds) {
      const [same, other, near] = await gradesOf(
        kind,
        ["the cat sat on the mat", "dfg", "the cat lay on the mat"],
        grading,
        "the cat sat on the mat",
      );
      expect([kind, Number(same?.score?.toFixed(6)), near?.score === null]).toEqual([kind, 1, false]);
      expect(near?.score).toBeGreaterThan(other?.score ?? 1);
      expect(near?.score).toBeLessThan(1);
      expect(await gradeOf(kind, "a", null)).toEqual({ score: null, why: "The row has no reference." });
      expect(await gradeOf(kind, "a", " ")).toEqual({ score: null, why: "The reference is empty." });
      expect(await gradeOf(kind, " ", "a")).toEqual({ score: 0, detail: "The answer is empty." });
    }
  });

  test("say what they do not read", async () => {
    expect(await gradeOf("rouge-1", "巴黎", "巴黎")).toEqual({
      score: null,
      why: "ROUGE reads a to z and 0 to 9 only, and the reference has none of them.",
    });
    expect(await gradeOf("rouge-l", "Größe 1", "Größe 1")).toEqual({
      score: 1,
      detail: "ROUGE reads a to z and 0 to 9 only: other letters did not count.",
    });
    expect((await gradeOf("bleu", "巴黎", "巴黎是首都")) as { detail: string }).toHaveProperty(
      "detail",
      "BLEU finds words by blanks, which this language does not write: chrf suits it.",
    );
    expect((await gradeOf("chrf", "巴黎", "巴黎")).score).toBe(1);
    for (const kind of ["bleu", "rouge-l", "chrf"])
      expect(await whyOf(kind, "a ".repeat(150_000))).toInclude("the limit graderTextChars");
    const many = "a b ".repeat(25_000);
    const [grade] = await grading.grade(parseGrader("rouge-l"), [rowOf(many, many)], caller);
    expect(grade).toEqual({
      score: null,
      why: "The answer and the reference have too many words to compare their order.",
    });
    for (const kind of ["bleu", "rouge-2", "chrf"]) {
      const started = performance.now();
      await grading.grade(
        parseGrader(kind),
        [rowOf("ab cd ".repeat(33_000), "cd ef ".repeat(33_000))],
        caller,
      );
      expect(performance.now() - started).toBeLessThan(limits.graderSilenceMs);
    }
  });
});

describe("similarity", () => {
  test("is never less than 0, and says what was cut", async () => {
    expect(await gradeOf("similarity", "zzz", "abc z")).toMatchObject({ score: expect.any(Number) });
    expect(await gradeOf("similarity", "z", "a")).toEqual({ score: 0, detail: null });
    expect(await gradeOf("similarity:letters", "ab ".repeat(200), "ab")).toEqual({
      score: expect.closeTo(1, 5),
      detail: "Only the first 20 tokens of each text were compared.",
    });
  });

  test("by an embedder that is not there is refused; by one that fails it is given up", async () => {
    const error = await refusalOf("similarity:nobody");
    expect([error.code, error.message, error.hint]).toEqual([
      "GRADER_INVALID",
      'There is no embedder "nobody".',
      "Use one of letters.",
    ]);
    const grades = await gradesOf(
      "similarity",
      Array.from({ length: limits.graderFailures + 1 }, () => "broken"),
    );
    expect(grades.map((grade) => (grade.score === null ? grade.why : grade.score))).toEqual([
      ...Array.from({ length: limits.graderFailures }, () => "The embedder failed: the embedder is down"),
      expect.stringContaining("5 answers in a row"),
    ]);
  });
});

describe("the process", () => {
  test("that is killed in the middle costs a second try, and what is aborted ends it", async () => {
    const fragile = open({ graderIdleMs: 500 });
    await gradesOf("javascript:1", ["a"], fragile);
    const pid = childrenOf(process.pid)[0] ?? 0;
    const slow = gradesOf(
      "javascript:const end = 3e6; let n = 0; while (n < end) n++; return 1",
      ["a", "b"],
      fragile,
    );
    await Bun.sleep(50);
    process.kill(pid, "SIGKILL");
    expect((await slow).map(({ score }) => score)).toEqual([1, 1]);
    const controller = new AbortController();
    const aborted = fragile.grade(
      parseGrader("javascript:for (;;) {}"),
      [rowOf("a", null)],
      caller,
      controller.signal,
    );
    setTimeout(() => controller.abort(new Error("cancelled")), 100);
    expect(aborted).rejects.toThrow("cancelled");
    await aborted.catch(() => undefined);
    expect((await gradesOf("javascript:1", ["a"], fragile))[0]?.score).toBe(1);
    await fragile.close();
  });
});

/** Processes that were started by one, newest first. */
function childrenOf(pid: number): number[] {
  const { stdout } = Bun.spawnSync(["pgrep", "-P", String(pid), "-f", "answer-grader"]);
  return stdout.toString().trim().split("\n").map(Number).toReversed();
}
