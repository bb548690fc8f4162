// JSON schemas against Python's jsonschema, where the trainer's Python has it: what is allowed, and what is a schema.
import { expect, test } from "bun:test";
import { python, runPython } from "../../../test/python.ts";
import { uniform } from "../../kit/random.ts";
import { checkSchema, gradeSchema } from "./json-schema.ts";

const next = uniform(20_260_103);
const below = (end: number): number => Math.floor(next() * end);
const one = <T>(of: readonly [T, ...T[]]): T => of[below(of.length)] ?? of[0];
const TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"] as const;
const KEYS = ["a", "b", "ab", "__proto__", "x y"] as const;

function value(depth = 0): unknown {
  const leaves = [null, true, false, 0, 1, -1, 1.5, 3, 12, "", "a", "abc", "😀é", "2024-01-02"] as const;
  const kind = depth > 2 ? 0 : below(4);
  if (kind < 2) return one<unknown>(leaves as unknown as [unknown, ...unknown[]]);
  if (kind === 2) return Array.from({ length: below(4) }, () => value(depth + 1));
  return Object.fromEntries(Array.from({ length: below(4) }, () => [one(KEYS), value(depth + 1)]));
}

/** A schema of two keywords or three; some parts lead to `$defs`. */
function schema(depth = 0): unknown {
  if (next() < 0.1) return next() < 0.5;
  const sub = (): unknown => (depth > 2 ? true : schema(depth + 1));
  const several = (): unknown[] => Array.from({ length: 1 + below(2) }, sub);
  const named = (): object =>
    Object.fromEntries(Array.from({ length: 1 + below(3) }, () => [one(KEYS), sub()]));
  const keywords: [() => [string, unknown], ...(() => [string, unknown])[]] = [
    () => ["type", one(TYPES)],
    () => ["type", [one(TYPES), "null"].filter((name, at, all) => all.indexOf(name) === at)],
    () => ["properties", named()],
    () => ["required", [one(KEYS)]],
    () => ["additionalProperties", sub()],
    () => ["patternProperties", { [one(["^a", "b$", "."])]: sub() }],
    () => ["propertyNames", { maxLength: 1 + below(2) }],
    () => ["minProperties", below(3)],
    () => ["items", sub()],
    () => ["prefixItems", several()],
    () => ["contains", sub()],
    () => ["minContains", below(3)],
    () => ["maxItems", below(4)],
    () => ["uniqueItems", true],
    () => ["minimum", below(3) - 1],
    () => ["exclusiveMaximum", below(4)],
    () => ["multipleOf", one([0.5, 1, 3])],
    () => ["minLength", below(3)],
    () => ["pattern", one(["^a", "b", "^.$", "\\d"])],
    () => ["enum", [value(2), value(2)]],
    () => ["const", value(2)],
    () => ["anyOf", several()],
    () => ["oneOf", several()],
    () => ["allOf", several()],
    () => ["not", sub()],
    () => ["if", sub()],
    () => ["then", sub()],
    () => ["else", sub()],
    () => ["dependentRequired", { a: ["b"] }],
    () => ["unevaluatedProperties", sub()],
    () => ["unevaluatedItems", sub()],
    () => ["$ref", "#/$defs/part"],
  ];
  const made = Object.fromEntries(Array.from({ length: 1 + below(3) }, () => one(keywords)()));
  return depth === 0 ? { ...made, $defs: { part: { type: one(TYPES) } } } : made;
}

const cases = Array.from({ length: 3_000 }, () => [schema(), value()] as const);
const schemas = [
  ...cases.slice(0, 200).map(([made]) => made),
  ...[{ type: "objekt" }, { type: [] }, { type: ["string", "string"] }, { minimum: "3" }, { minLength: -1 }],
  ...[{ required: "a" }, { required: [1] }, { properties: [] }, { properties: { a: 7 } }, { allOf: [] }],
  ...[{ multipleOf: 0 }, { enum: 1 }, { $ref: 1 }, { items: [{}] }, { not: null }, { uniqueItems: "yes" }],
  ...[
    { if: 1 },
    { dependentRequired: { a: "b" } },
    { $defs: { a: 1 } },
    { title: "x", x: 1 },
    { maxItems: 1.5 },
  ],
];

const probe = Bun.spawnSync([python, "-c", "import jsonschema"]);
test.skipIf(!probe.success)(
  "as Python's jsonschema",
  async () => {
    const said = JSON.parse(
      await runPython("../src/assessments/graders/json-schema.golden.py", [], { cases, schemas }),
    ) as { allowed: boolean[]; schemas: boolean[] };
    const off = cases.flatMap(([made, given], at) => {
      const grade = gradeSchema(JSON.stringify(made), JSON.stringify(given));
      return grade.score === Number(said.allowed[at])
        ? []
        : [[JSON.stringify(made), JSON.stringify(given), grade]];
    });
    expect(off).toEqual([]);
    expect(said.allowed.filter(Boolean).length).toBeGreaterThan(300);
    expect(said.allowed.filter((isAllowed) => !isAllowed).length).toBeGreaterThan(300);
    const isTaken = (made: unknown): boolean => {
      try {
        checkSchema(JSON.stringify(made));
        return true;
      } catch {
        return false;
      }
    };
    expect(schemas.filter((made, at) => isTaken(made) !== said.schemas[at])).toEqual([]);
  },
  120_000,
);
