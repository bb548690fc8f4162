// JSON, and the part of JSON Schema that a reply can be held to, as a grammar over the bytes of UTF-8.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { Element, Grammar, Sequence } from "./grammar.ts";

/** Says nothing about which values fit. */
const SILENT = new Set([
  "title",
  "description",
  "default",
  "examples",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "strict",
]);
/** What is understood beside them, by type; the rest is refused, since it could not be promised. */
const SPOKEN: Record<string, readonly string[]> = {
  object: ["type", "properties", "required", "additionalProperties"],
  array: ["type", "items", "minItems", "maxItems"],
  string: ["type"],
  number: ["type"],
  integer: ["type"],
  boolean: ["type"],
  null: ["type"],
};

const record = z.record(z.string(), z.unknown());
const count = z.number().int().min(0).max(limits.formatItems);

/**
 * The grammar of any JSON object, or of what the schema describes: type, properties, required, additionalProperties, items,
 * minItems, maxItems, enum, const, anyOf, oneOf, $ref within the schema. Declared properties come in their order.
 * @throws EspalierError FORMAT_UNSUPPORTED naming the place in the schema, FORMAT_TOO_LARGE
 */
export function jsonGrammar(schema: unknown): Grammar {
  if ((JSON.stringify(schema)?.length ?? 0) > limits.formatChars) throw tooLarge();
  const rules: (readonly Sequence[])[] = [];
  const rule = (...alternatives: Sequence[]): Element => {
    if (rules.length >= limits.formatRules) throw tooLarge();
    return { rule: rules.push(alternatives) - 1 };
  };
  /** A rule that may name itself. */
  const recursive = (fill: (self: Element) => Sequence[]): Element => {
    const at = rules.push([]) - 1;
    rules[at] = fill({ rule: at });
    return { rule: at };
  };
  const upTo = (most: number, element: Element): Element => {
    let rest = rule([]);
    for (let i = 0; i < most; i++) rest = rule([], [element, rest]);
    return rest;
  };

  // White space is bounded: a model that has nothing to say would make it without end.
  const space = rule([], bytes(" "), [
    ...bytes("\n"),
    upTo(20, {
      bytes: setOf([
        [0x20, 0x20],
        [9, 9],
      ]),
    }),
  ]);
  const digit: Element = { bytes: setOf([[0x30, 0x39]]) };
  const digits = upTo(15, digit);
  const whole = rule(bytes("0"), [{ bytes: setOf([[0x31, 0x39]]) }, digits]);
  const minus = rule([], bytes("-"));
  const integer = rule([minus, whole]);
  const sign = rule(
    [],
    [
      {
        bytes: setOf([
          [0x2b, 0x2b],
          [0x2d, 0x2d],
        ]),
      },
    ],
  );
  const fraction = rule([], [...bytes("."), digit, digits]);
  const exponent = rule(
    [],
    [
      {
        bytes: setOf([
          [0x45, 0x45],
          [0x65, 0x65],
        ]),
      },
      sign,
      digit,
      upTo(2, digit),
    ],
  );
  const number = rule([minus, whole, fraction, exponent]);
  const string = stringRule(rule, recursive);
  const boolean = rule(bytes("true"), bytes("false"));
  const nothing = rule(bytes("null"));

  /** Members or items parted by commas, none or more. */
  const listOf = (open: string, item: Sequence, close: string): Element => {
    const more = recursive((self) => [[], [...bytes(","), space, ...item, self]]);
    return rule(
      [...bytes(open), space, ...bytes(close)],
      [...bytes(open), space, ...item, more, ...bytes(close)],
    );
  };
  const mapOf = (value: Element): Element => listOf("{", [string, ...bytes(":"), space, value, space], "}");
  let object: Element = { rule: -1 };
  const anything = recursive((self) => {
    object = mapOf(self);
    return [[object], [listOf("[", [self, space], "]")], [string], [number], [boolean], [nothing]];
  });
  const simple: Record<string, Element> = { string, number, integer, boolean, null: nothing };
  const references = new Map<string, Element>();

  function compile(part: unknown, path: string): Element {
    if (part === true || part === undefined) return anything;
    const read = record.safeParse(part);
    if (!read.success) throw unsupported(path, "is no schema");
    const said = read.data;
    const keys = Object.keys(said).filter((key) => !SILENT.has(key));
    const only = (allowed: readonly string[]): void => {
      const other = keys.find((key) => !allowed.includes(key));
      if (other) throw unsupported(`${path}.${other}`, "is not supported");
    };
    if (keys.length === 0) return anything;
    if (typeof said.$ref === "string") {
      only(["$ref"]);
      return refer(said.$ref, `${path}.$ref`);
    }
    if ("const" in said) {
      only(["const", "type"]);
      return rule(literal(said.const));
    }
    if (Array.isArray(said.enum)) {
      only(["enum", "type"]);
      return rule(...said.enum.map(literal));
    }
    for (const key of ["anyOf", "oneOf"]) {
      const options = said[key];
      if (!Array.isArray(options)) continue;
      only([key]);
      return rule(...options.map((one, at) => [compile(one, `${path}.${key}[${at}]`)]));
    }
    const { type } = said;
    if (Array.isArray(type)) return rule(...type.map((one) => [compile(ofType(said, String(one)), path)]));
    if (typeof type !== "string" || !SPOKEN[type]) throw unsupported(`${path}.type`, "is not supported");
    only(SPOKEN[type] ?? []);
    if (type === "object") return objectOf(said, path);
    if (type === "array") return arrayOf(said, path);
    return simple[type] ?? anything;
  }

  function refer(to: string, path: string): Element {
    const known = references.get(to);
    if (known) return known;
    if (to !== "#" && !to.startsWith("#/")) throw unsupported(path, "points outside the schema");
    let target: unknown = schema;
    for (const step of to.split("/").slice(1))
      target = record.safeParse(target).data?.[step.replaceAll("~1", "/").replaceAll("~0", "~")];
    if (target === undefined) throw unsupported(path, "points to nothing");
    return recursive((self) => {
      references.set(to, self);
      // The way through a list or an object is what keeps such a rule from beginning with itself.
      return [[compile(target, to)]];
    });
  }

  function objectOf(said: Record<string, unknown>, path: string): Element {
    const properties = Object.entries(record.safeParse(said.properties).data ?? {});
    const required = z.array(z.string()).safeParse(said.required ?? []).data ?? [];
    const lost = required.find((name) => !properties.some(([known]) => known === name));
    if (lost) throw unsupported(`${path}.required`, `names "${lost}", which properties does not describe`);
    if (properties.length === 0)
      return said.additionalProperties === false
        ? rule([...bytes("{"), space, ...bytes("}")])
        : mapOf(compile(said.additionalProperties ?? true, `${path}.additionalProperties`));
    // From the last property on: what may follow when one came before, and when none did.
    let later = rule([]);
    let first = rule([]);
    for (const [name, value] of properties.toReversed()) {
      const member = [
        ...literal(name),
        ...bytes(":"),
        space,
        compile(value, `${path}.properties.${name}`),
        space,
        later,
      ];
      const isNeeded = required.includes(name);
      first = rule(member, ...(isNeeded ? [] : [[first]]));
      later = rule([...bytes(","), space, ...member], ...(isNeeded ? [] : [[later]]));
    }
    return rule([...bytes("{"), space, first, ...bytes("}")]);
  }

  function arrayOf(said: Record<string, unknown>, path: string): Element {
    const item: Sequence = [compile(said.items, `${path}.items`), space];
    const [least, most] = [count.safeParse(said.minItems ?? 0), count.optional().safeParse(said.maxItems)];
    if (!least.success) throw unsupported(`${path}.minItems`, `is not 0 to ${limits.formatItems}`);
    if (!most.success) throw unsupported(`${path}.maxItems`, `is not 0 to ${limits.formatItems}`);
    if (least.data === 0 && most.data === undefined) return listOf("[", item, "]");
    const next: Sequence = [...bytes(","), space, ...item];
    let rest = most.data === undefined ? recursive((self) => [[], [...next, self]]) : rule([]);
    for (let at = Math.max(most.data ?? 0, least.data); at > 1; at--)
      rest = at <= least.data ? rule([...next, rest]) : rule([], [...next, rest]);
    const full: Sequence = [...bytes("["), space, ...item, rest, ...bytes("]")];
    const none: Sequence = [...bytes("["), space, ...bytes("]")];
    if (most.data === 0) return rule(none);
    return least.data === 0 ? rule(none, full) : rule(full);
  }

  const value = schema === undefined ? object : compile(schema, "$");
  const root = rule([space, value]);
  refuseEndless(rules);
  return { rules, root: "rule" in root ? root.rule : 0 };
}

/** A schema that is itself, by whatever way, would be looked into for ever. @throws EspalierError FORMAT_UNSUPPORTED */
function refuseEndless(rules: readonly (readonly Sequence[])[]): void {
  const mayBeEmpty = rules.map(() => false);
  const isEmpty = (sequence: Sequence): boolean =>
    sequence.every((element) => "rule" in element && mayBeEmpty[element.rule]);
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const [at, alternatives] of rules.entries())
      if (!mayBeEmpty[at] && alternatives.some(isEmpty)) isNew = mayBeEmpty[at] = true;
  }
  const seen = new Map<number, "open" | "done">();
  const visit = (at: number): void => {
    if (seen.get(at) === "done") return;
    if (seen.get(at) === "open") throw unsupported("$ref", "makes a value that begins with itself");
    seen.set(at, "open");
    for (const sequence of rules[at] ?? [])
      for (const element of sequence) {
        if (!("rule" in element)) break;
        visit(element.rule);
        if (!mayBeEmpty[element.rule]) break;
      }
    seen.set(at, "done");
  };
  for (const at of rules.keys()) visit(at);
}

/** The schema for one of its types: with the words of that type alone. */
function ofType(said: Record<string, unknown>, type: string): Record<string, unknown> {
  const words = [...(SPOKEN[type] ?? []), ...SILENT];
  const others = Object.values(SPOKEN).flat();
  return Object.fromEntries(
    Object.entries({ ...said, type }).filter(([key]) => words.includes(key) || !others.includes(key)),
  );
}

function stringRule(
  rule: (...alternatives: Sequence[]) => Element,
  recursive: (fill: (self: Element) => Sequence[]) => Element,
): Element {
  const tail: Element = { bytes: setOf([[0x80, 0xbf]]) };
  const hex: Element = {
    bytes: setOf([
      [0x30, 0x39],
      [0x41, 0x46],
      [0x61, 0x66],
    ]),
  };
  const escaped = rule(
    [{ bytes: setOf([...'"\\/bfnrt'].map((one) => [one.charCodeAt(0), one.charCodeAt(0)])) }],
    [...bytes("u"), hex, hex, hex, hex],
  );
  // RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
  const character = rule(
    [
      {
        bytes: setOf([
          [0x20, 0x21],
          [0x23, 0x5b],
          [0x5d, 0x7e],
        ]),
      },
    ],
    [...bytes("\\"), escaped],
    [{ bytes: setOf([[0xc2, 0xdf]]) }, tail],
    [{ bytes: setOf([[0xe0, 0xe0]]) }, { bytes: setOf([[0xa0, 0xbf]]) }, tail],
    [
      {
        bytes: setOf([
          [0xe1, 0xec],
          [0xee, 0xef],
        ]),
      },
      tail,
      tail,
    ],
    [{ bytes: setOf([[0xed, 0xed]]) }, { bytes: setOf([[0x80, 0x9f]]) }, tail],
    [{ bytes: setOf([[0xf0, 0xf0]]) }, { bytes: setOf([[0x90, 0xbf]]) }, tail, tail],
    [{ bytes: setOf([[0xf1, 0xf3]]) }, tail, tail, tail],
    [{ bytes: setOf([[0xf4, 0xf4]]) }, { bytes: setOf([[0x80, 0x8f]]) }, tail, tail],
  );
  const characters = recursive((self) => [[], [character, self]]);
  return rule([...bytes('"'), characters, ...bytes('"')]);
}

function setOf(ranges: readonly (readonly number[])[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const [from = 0, to = from] of ranges) set.fill(1, from, to + 1);
  return set;
}

/** The bytes of a text, each as an element. */
function bytes(text: string): Element[] {
  return [...Buffer.from(text)].map((byte) => ({ bytes: setOf([[byte]]) }));
}

function literal(value: unknown): Sequence {
  return bytes(JSON.stringify(value) ?? "null");
}

function unsupported(path: string, what: string): EspalierError {
  return new EspalierError(
    "FORMAT_UNSUPPORTED",
    `The reply cannot be held to this schema: ${path} ${what}.`,
    {
      field: "schema",
      value: path,
      hint: "Use type, properties, required, items, minItems, maxItems, enum, const, anyOf and $ref.",
    },
  );
}

function tooLarge(): EspalierError {
  return new EspalierError(
    "FORMAT_TOO_LARGE",
    `The schema of the reply is larger than ${limits.formatChars} characters or ${limits.formatRules} rules.`,
    { field: "schema", hint: "Describe less, or shorter lists." },
  );
}
