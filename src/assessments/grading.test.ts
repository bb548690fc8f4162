// Grading where it is done: schemas and measures of texts in a process that is bounded, similarity by an embedder.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../kit/limits.ts";
import { type Grade, parseGrader } from "./graders/graders.ts";
import { caller, caseOf, gradesBy, openGrading } from "./grading.test-kit.ts";

setDefaultTimeout(60_000);
const grading = openGrading();
const { grades, gradeOf, whyOf, refusalOf } = gradesBy(grading);
afterAll(() => grading.close());
/** A pattern that backtracks for a second, until the engine gives up, over each of the texts after it. */
const ENDLESS = 'json-schema:{"items":{"anyOf":[{"pattern":"^(([a-z])+.)+[A-Z]([a-z])+$"},{"minLength":3}]}}';
const LONG = JSON.stringify(Array.from({ length: 100 }, () => "a".repeat(60)));

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
    const impatient = openGrading({ graderSilenceMs: 1_500 });
    const found = await gradesBy(impatient).grades(ENDLESS, ['["aB1Cd"]', LONG, '["Aa"]']);
    expect(found.map((grade) => (grade.score === null ? grade.why : grade.score))).toEqual([
      1,
      "The grader took more than 1500 ms for one answer, the limit graderSilenceMs.",
      0,
    ]);
    await impatient.close();
  });
});

describe("measures of texts", () => {
  test("are scores from 0 to 1 of answer and reference", async () => {
    const kinds = ["bleu", "rouge-1", "rouge-2", "rouge-l", "chrf", "similarity"];
    for (const kind of kinds) {
      const right = "the cat sat on the mat";
      const [same, other, near] = await grades(kind, [right, "dfg", "the cat lay on the mat"], right);
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
    const [grade] = await grading.grade(parseGrader("rouge-l"), [caseOf(many, many)], caller);
    expect(grade).toEqual({
      score: null,
      why: "The answer and the reference have too many words to compare their order.",
    });
    for (const kind of ["bleu", "rouge-2", "chrf"]) {
      const started = performance.now();
      await grading.grade(
        parseGrader(kind),
        [caseOf("ab cd ".repeat(33_000), "cd ef ".repeat(33_000))],
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
    const broken = Array.from({ length: limits.graderFailures + 1 }, () => "broken");
    expect(
      (await grades("similarity", broken)).map((grade) => (grade.score === null ? grade.why : grade.score)),
    ).toEqual([
      ...Array.from({ length: limits.graderFailures }, () => "The embedder failed: the embedder is down"),
      expect.stringContaining("5 answers in a row"),
    ]);
  });
});

describe("the process", () => {
  test("that is killed in the middle costs a second try, and what is aborted ends it", async () => {
    const fragile = openGrading();
    const by = gradesBy(fragile);
    const others = new Set(gradersOf(process.pid));
    await by.grades("javascript:1", ["a"]);
    const [pid] = gradersOf(process.pid).filter((one) => !others.has(one));
    if (pid === undefined) throw new Error("no process grades");
    const slow = by.grades("javascript:let n = 0; while (n < 5e6) n++; return 1", ["a", "b", "c", "d"]);
    await Bun.sleep(100);
    process.kill(pid, "SIGKILL");
    expect((await slow).map(({ score }) => score)).toEqual([1, 1, 1, 1]);
    expect(gradersOf(process.pid)).not.toContain(pid);
    const { signal, abort } = abortable();
    const aborted = fragile.grade(parseGrader("javascript:for (;;) {}"), [caseOf("a", null)], caller, signal);
    setTimeout(abort, 100);
    expect(await aborted.catch((error: Error) => error.message)).toBe("cancelled");
    expect((await by.gradeOf("javascript:1")).score).toBe(1);
    await fragile.close();
  });

  test("ends with a server that is killed, even in the middle of a match without end", async () => {
    const kit = join(import.meta.dir, "grading.test-kit.ts");
    const code = `const { gradesBy, openGrading } = await import(${JSON.stringify(kit)});
      await gradesBy(openGrading()).grades(${JSON.stringify(ENDLESS)}, [${JSON.stringify(LONG)}]);`;
    const server = Bun.spawn([process.execPath, "-e", code], { stdout: "ignore" });
    let pids: number[] = [];
    for (let at = 0; at < 300 && pids.length === 0; at++) {
      await Bun.sleep(50);
      pids = gradersOf(server.pid);
    }
    expect(pids).toHaveLength(1);
    // By now it is in the middle of the match, in which no message is heard.
    await Bun.sleep(2_000);
    server.kill("SIGKILL");
    await server.exited;
    for (let at = 0; at < 100 && pids.some(isAlive); at++) await Bun.sleep(50);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("cancelled")) };
}

/** Grading processes that a process has started. */
function gradersOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const command = procFile(pid, "cmdline");
    return command.includes("answer-grader") && procFile(pid, "status").includes(`PPid:\t${parent}\n`);
  });
}
const isAlive = (pid: number): boolean => procFile(pid, "cmdline").includes("answer-grader");

/** What the system says of a process; nothing of one that is gone. */
function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
