// The grammar lets through what is JSON and what a schema describes, byte by byte, and nothing else.
import { describe, expect, test } from "bun:test";
import { uniform as seededUniform } from "../../kit/random.ts";
import { Constraint, TokenMasks, tokenTable } from "./constraint.ts";
import { GrammarMachine, type GrammarState } from "./grammar.ts";
import { jsonGrammar } from "./json-grammar.ts";
import { createSampler } from "./sampler.ts";

/** whole: it may end here; part: something must follow; no: it may not come. */
function outcome(schema: unknown, text: string): "whole" | "part" | "no" {
  const machine = new GrammarMachine(jsonGrammar(schema));
  let state: GrammarState | null = machine.start;
  for (const byte of Buffer.from(text)) {
    state = machine.after(state, byte);
    if (!state) return "no";
  }
  return state.canEnd ? "whole" : "part";
}

test.each([
  ["{}", "whole"],
  [' {"a": [1, -2.5e3, "x\\n\\u00e9", null, true, {"b": {}}]}', "whole"],
  ['{"é€😀": "日本"}', "whole"],
  ['{"a"', "part"],
  ["{ ", "part"],
  ["[1]", "no"],
  ['{"a": 01}', "no"],
  ["{'a'", "no"],
  ['{"a": 1,}', "no"],
  ['{"a": .5', "no"],
  ['{"a": "\n', "no"],
  ['{"a": "\\x', "no"],
  ["{}x", "no"],
] as const)("any object: %j is %p", (text, wanted) => {
  expect(outcome(undefined, text)).toBe(wanted);
  if (wanted === "whole") JSON.parse(text);
});

const ticket = {
  type: "object",
  properties: {
    team: { enum: ["billing", "shipping"] },
    urgent: { type: "boolean" },
    lines: { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 },
    note: { type: ["string", "null"] },
  },
  required: ["team", "lines"],
  additionalProperties: false,
};
const tree = {
  $defs: {
    node: { type: "object", properties: { kids: { type: "array", items: { $ref: "#/$defs/node" } } } },
  },
  $ref: "#/$defs/node",
};
test.each([
  [ticket, '{"team": "billing", "urgent": true, "lines": [1, 2], "note": null}', "whole"],
  [ticket, '{"team":"shipping","lines":[1]}', "whole"],
  [ticket, '{"team": "sales"', "no"],
  [ticket, '{"team":"shipping","lines":[]', "no"],
  [ticket, '{"team":"shipping","lines":[1,2,3,', "no"],
  [ticket, '{"team":"shipping","urgent":true}', "no"],
  [ticket, '{"lines"', "no"],
  [ticket, '{"team":"shipping","lines":[1],"other"', "no"],
  [ticket, '{"team":"shipping","lines":[1.', "no"],
  [tree, '{"kids":[{"kids":[]},{}]}', "whole"],
  [tree, '{"kids":[1', "no"],
  [{ anyOf: [{ const: 7 }, { type: "string" }] }, "7", "whole"],
  [{ anyOf: [{ const: 7 }, { type: "string" }] }, '"x"', "whole"],
  [{ anyOf: [{ const: 7 }, { type: "string" }] }, "8", "no"],
  [{ type: "object", additionalProperties: { type: "number" } }, '{"a": 1, "b": 2.5}', "whole"],
  [{ type: "object", additionalProperties: { type: "number" } }, '{"a": "', "no"],
  [{ enum: ["a", 1, null] }, "null", "whole"],
] as const)("schema %#: %s is %p", (schema, text, wanted) => {
  expect(outcome(schema, text)).toBe(wanted);
});

test.each([
  [{ type: "string", pattern: "^a" }, "$.pattern"],
  [{ type: "object", properties: { a: { type: "date" } } }, "$.properties.a.type"],
  [{ type: "object", properties: {}, required: ["x"] }, "$.required"],
  [{ $ref: "https://example.com/s" }, "$.$ref"],
  [{ $ref: "#/nowhere" }, "$.$ref"],
  [{ $ref: "#" }, "$ref"],
  [{ anyOf: [{ $ref: "#" }, { type: "null" }] }, "$ref"],
  [{ type: "array", minItems: -1 }, "$.minItems"],
  [7, "$"],
])("schema %# is refused by its place", (schema, value) => {
  expect(() => jsonGrammar(schema)).toThrow(expect.objectContaining({ code: "FORMAT_UNSUPPORTED", value }));
});

test("a schema beyond the limits is refused", () => {
  const wide = (items: number) => ({
    type: "array",
    items: { type: "array", maxItems: items },
    maxItems: items,
  });
  expect(() => jsonGrammar(wide(1000))).not.toThrow();
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`p${i}`, { type: "array", maxItems: 1000 }]),
  );
  expect(() => jsonGrammar({ type: "object", properties: many })).toThrow(
    expect.objectContaining({ code: "FORMAT_TOO_LARGE" }),
  );
});

describe("a sampler that knows nothing", () => {
  const encoder = new TextEncoder();
  const words = [
    '{"',
    '":',
    "}",
    '"}',
    "]}",
    " ",
    "\n",
    "true",
    "null",
    "é",
    "12",
    ".5",
    "\\",
    "end",
    '": {"',
    "[[",
  ];
  const byId = [
    null,
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...words.map((word) => encoder.encode(word)),
  ];
  const END = 0;

  test.each([undefined, ticket, tree])("makes JSON all the same, whatever it likes: %#", (schema) => {
    const masks = new TokenMasks(new GrammarMachine(jsonGrammar(schema)), tokenTable(byId));
    let ends = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const uniform = seededUniform(seed);
      const pick = createSampler({ temperature: 2, topP: seed % 2 ? 1 : 0.5, topK: seed % 3 ? 0 : 5, seed });
      const constraint = new Constraint(masks, new Set([END]));
      const made: Uint8Array[] = [];
      for (let step = 0; step < 400; step++) {
        const logits = Float32Array.from(byId, () => uniform() * 8);
        const id = constraint.pick(logits, pick);
        if (id === END) break;
        constraint.accept(id);
        made.push(byId[id] ?? new Uint8Array());
        if (!constraint.isOver) continue;
        ends++;
        const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(made));
        expect(typeof JSON.parse(text)).toBe("object");
        break;
      }
    }
    expect(ends).toBeGreaterThan(5);
  });
});

test.each([undefined, ticket, tree, { type: "array", items: { type: ["string", "number"] }, minItems: 30 }])(
  "the masks hold exactly the tokens that may come, byte by byte: %#",
  (schema) => {
    const words = [
      '"',
      '",',
      '": "',
      '"}',
      '"]',
      "}]",
      "], [",
      ', "',
      " tea",
      'm"',
      "1",
      "12]",
      "0.5,",
      "é",
      "\\",
      '\\"',
      "\n",
    ];
    const byId = [
      ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
      ...words.map((word) => new TextEncoder().encode(word)),
    ];
    const machine = new GrammarMachine(jsonGrammar(schema));
    const masks = new TokenMasks(machine, tokenTable(byId));
    const uniform = seededUniform(5);
    let looked = 0;
    for (let walk = 0; walk < 40; walk++) {
      let state = machine.start;
      for (let step = 0; step < 60; step++) {
        const wanted = byId.flatMap((bytes, id) => {
          let at: GrammarState | null = state;
          for (const byte of bytes) at = at && machine.after(at, byte);
          return at ? [{ id, at }] : [];
        });
        expect([...masks.allowedIn(state)].sort((a, b) => a - b)).toEqual(wanted.map(({ id }) => id));
        looked++;
        const next = wanted[Math.floor(uniform() * wanted.length)];
        if (!next) break;
        state = next.at;
      }
    }
    expect(looked).toBeGreaterThan(100);
  },
);

test("what no token can go on with is said", () => {
  const constraint = new Constraint(
    new TokenMasks(
      new GrammarMachine(jsonGrammar(undefined)),
      tokenTable([null, new TextEncoder().encode("a")]),
    ),
    new Set([0]),
  );
  expect(() =>
    constraint.pick(new Float32Array(2), createSampler({ temperature: 0, topP: 1, topK: 0, seed: 0 })),
  ).toThrow(expect.objectContaining({ code: "FORMAT_IMPOSSIBLE" }));
});
