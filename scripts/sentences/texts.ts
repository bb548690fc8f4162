// Works out which sentences the server can say: every text that its source can put into an error, its mend, a warning
// or a reason, as templates with named places for what is only known when it is said.
import { isFunction, type Meaning, type Node, part, parts, type Sources, sourceOf, word } from "./source.ts";

/** A place for a value; it is named after the expression that fills it. */
type Hole = { hole: string };
type Text = readonly (string | Hole)[];
/** What the parameters of the functions that were entered stand for. */
type Bound = ReadonlyMap<Node, readonly (Node | null)[]>;
type Entered = { bound: Bound; outer: Entered | null };

/** More wordings of one sentence than this become a place in it. */
const mostWordings = 60;
const deepest = 8;

const isHole = (piece: string | Hole | undefined): piece is Hole => typeof piece === "object";
const literalOf = (text: Text): string => text.filter((piece) => !isHole(piece)).join("");
const isWord = (text: Text): boolean => text.length === 1 && !isHole(text[0]);
/** Places whose single words are language, not a name or a value. */
const spelledOut = new Set(["what", "verb", "wish", "why", "how"]);
const isPhrase = (text: Text): boolean => /[A-Za-z]{2}.*\s|\s.*[A-Za-z]{2}/.test(literalOf(text));

/** Variables whose name is that of a run, a sentence itself: "Read 3 documents into handbook". */
const holdsRun = new Set(["importing", "open", "run", "starting", "training"]);

/** Named after what fills it: `limits.noteChars` → noteChars, `rows.length` → rows, `name.slice(0, 80)` → name. */
function holeName(node: Node | null): string {
  const inner = unwrapped(node);
  switch (inner?.type) {
    case "Identifier":
      return word(inner, "name") ?? "value";
    case "MemberExpression": {
      const name = word(part(inner, "property"), "name");
      if (name === "name" && holdsRun.has(word(part(inner, "object"), "name") ?? "")) return "runName";
      return name === "length" || name === null ? holeName(part(inner, "object")) : name;
    }
    case "CallExpression": {
      const callee = part(inner, "callee");
      if (callee?.type === "MemberExpression" && word(part(callee, "object"), "name") !== "Math")
        return ["String", "JSON"].includes(word(part(callee, "object"), "name") ?? "")
          ? holeName(parts(inner, "arguments")[0] ?? null)
          : holeName(part(callee, "object"));
      return parts(inner, "arguments")[0] ? holeName(parts(inner, "arguments")[0] ?? null) : holeName(callee);
    }
    case "BinaryExpression":
    case "LogicalExpression":
      return holeName(part(inner, "left"));
    case "ConditionalExpression":
      return holeName(part(inner, "consequent"));
    default:
      return "value";
  }
}

const wrappers = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "ParenthesizedExpression",
  "ChainExpression",
  "AwaitExpression",
]);

function unwrapped(node: Node | null): Node | null {
  let at = node;
  while (at && wrappers.has(at.type))
    at = part(at, at.type === "AwaitExpression" ? "argument" : "expression");
  return at;
}

export class Reader {
  constructor(readonly sources: Sources) {}

  /** Every text that the expression can be; a lone place is what cannot be told. */
  textsOf(node: Node | null, entered: Entered | null = null, depth = 0): Text[] {
    const inner = unwrapped(node);
    if (!inner || depth > deepest) return [[{ hole: holeName(inner) }]];
    const within = (one: Node | null) => this.textsOf(one, entered, depth + 1);
    switch (inner.type) {
      case "Literal": {
        const text = word(inner, "value") ?? sourceOf(inner);
        return text === "null" ? [] : [[text]];
      }
      case "TemplateLiteral":
        return this.#joined(inner, within);
      case "BinaryExpression":
        if (word(inner, "operator") === "+")
          return product([
            this.#filling(part(inner, "left"), within),
            this.#filling(part(inner, "right"), within),
          ]);
        break;
      case "ConditionalExpression":
        return union(within(part(inner, "consequent")), within(part(inner, "alternate")));
      case "LogicalExpression":
        return word(inner, "operator") === "&&"
          ? within(part(inner, "right"))
          : union(within(part(inner, "left")), within(part(inner, "right")));
      case "ArrayExpression":
        return union(...parts(inner, "elements").map(within));
      case "SpreadElement":
        return within(part(inner, "argument"));
      case "Identifier":
        return this.#named(inner, entered, depth);
      case "MemberExpression":
        return this.#member(inner, entered, depth);
      case "CallExpression":
        return this.#called(inner, entered, depth);
      default:
    }
    return [[{ hole: holeName(inner) }]];
  }

  #joined(node: Node, within: (one: Node | null) => Text[]): Text[] {
    const expressions = parts(node, "expressions");
    const pieces = parts(node, "quasis").flatMap((quasi, at): Text[][] => {
      const value = (quasi as unknown as { value: { cooked: string } }).value.cooked;
      const expression = expressions[at];
      return expression ? [[[value]], this.#filling(expression, within)] : [[[value]]];
    });
    return product(pieces);
  }

  /** What stands in a place of a template: the phrases where there are a few, else the place. */
  #filling(node: Node | null, within: (one: Node | null) => Text[]): Text[] {
    const inner = unwrapped(node);
    const place: Text = [{ hole: holeName(node) }];
    const branch = (key: string): Text[] => {
      const one = unwrapped(part(inner, key));
      return one?.type === "Literal" ? within(one) : this.#filling(one, within);
    };
    if (inner?.type === "ConditionalExpression") return union(branch("consequent"), branch("alternate"));
    if (inner?.type === "LogicalExpression" && word(inner, "operator") !== "&&")
      return union(branch("left"), branch("right"));
    const texts = within(node);
    if (texts.length > mostWordings) return [place];
    if (!texts.some(isPhrase) && !(spelledOut.has(holeName(node)) && texts.every(isWord))) return [place];
    return union(texts.map((text) => (text.length === 1 && isHole(text[0]) ? place : text)));
  }

  #named(node: Node, entered: Entered | null, depth: number): Text[] {
    if (word(node, "name") === "undefined") return [];
    const meaning = this.sources.meaningOf(node);
    if (meaning?.kind === "value" && !isFunction(meaning.node))
      return this.textsOf(meaning.node, entered, depth + 1).map((text) =>
        text.length === 1 && isHole(text[0]) ? [{ hole: word(node, "name") ?? "value" }] : text,
      );
    if (meaning?.kind === "parameter") return this.#parameter(node, meaning, entered, depth);
    return [[{ hole: word(node, "name") ?? "value" }]];
  }

  /** What a parameter can be: the argument of the call that was entered, else those of every call. */
  #parameter(
    node: Node,
    meaning: Extract<Meaning, { kind: "parameter" }>,
    entered: Entered | null,
    depth: number,
  ): Text[] {
    const { of, place, property, otherwise } = meaning;
    const found: Text[] = [];
    const take = (argument: Node | null, outer: Entered | null): void => {
      const value = property === null ? argument : this.propertyOf(argument, property);
      if (value) found.push(...this.textsOf(value, outer, depth + 1));
      else if (otherwise) found.push(...this.textsOf(otherwise, null, depth + 1));
    };
    for (let at = entered; at; at = at.outer) {
      const bound = at.bound.get(of);
      if (!bound) continue;
      take(bound[place] ?? null, at.outer);
      return found.length > 0 ? found : [[{ hole: word(node, "name") ?? "value" }]];
    }
    const calls = this.sources.callsOf(of);
    for (const call of calls) take(parts(call, "arguments")[place] ?? null, null);
    if (found.length === 0) return [[{ hole: word(node, "name") ?? "value" }]];
    return union(
      found.map((text) =>
        text.length === 1 && isHole(text[0]) ? [{ hole: word(node, "name") ?? "value" }] : text,
      ),
    );
  }

  /** The value of a property of an object that is written out. */
  propertyOf(node: Node | null, name: string): Node | null {
    const inner = unwrapped(node);
    if (inner?.type === "Identifier") {
      const meaning = this.sources.meaningOf(inner);
      return meaning?.kind === "value" ? this.propertyOf(meaning.node, name) : null;
    }
    if (inner?.type !== "ObjectExpression") return null;
    for (const one of parts(inner, "properties"))
      if ((word(part(one, "key"), "name") ?? word(part(one, "key"), "value")) === name)
        return part(one, "value");
    return null;
  }

  /** A property of an object that is written out; of a table, any of its values. */
  #member(node: Node, entered: Entered | null, depth: number): Text[] {
    const object = part(node, "object");
    const property = part(node, "property");
    const place: Text[] = [[{ hole: holeName(node) }]];
    const meaning = object?.type === "Identifier" ? this.sources.meaningOf(object) : null;
    const table = meaning?.kind === "value" ? unwrapped(meaning.node) : null;
    const isComputed = (node as unknown as { computed: boolean }).computed;
    if (!isComputed) {
      const value = this.propertyOf(object, word(property, "name") ?? "");
      return value ? this.textsOf(value, entered, depth + 1) : place;
    }
    if (table?.type !== "ObjectExpression") return place;
    const all = union(
      ...parts(table, "properties").map((one) => this.textsOf(part(one, "value"), entered, depth + 1)),
    );
    return all.some(isPhrase) ? all : place;
  }

  /** What a function of ours returns for these arguments. */
  #called(node: Node, entered: Entered | null, depth: number): Text[] {
    const callee = part(node, "callee");
    const place: Text[] = [[{ hole: holeName(node) }]];
    if (callee?.type === "MemberExpression" && touching.has(word(part(callee, "property"), "name") ?? ""))
      return this.textsOf(part(callee, "object"), entered, depth + 1);
    const called = callee?.type === "Identifier" ? this.sources.functionOf(callee) : null;
    if (!called) return place;
    const inside: Entered = { bound: new Map([[called, parts(node, "arguments")]]), outer: entered };
    const body = part(called, "body");
    const returned = body?.type === "BlockStatement" ? returnsOf(body) : body === null ? [] : [body];
    const texts = union(...returned.map((one) => this.textsOf(one, inside, depth + 1)));
    return texts.some(isPhrase) && texts.length <= mostWordings ? texts : place;
  }
}

/** The expressions that a function returns, not those of functions inside it. */
function returnsOf(body: Node): Node[] {
  const found: Node[] = [];
  const visit = (node: Node): void => {
    if (isFunction(node)) return;
    const value = node.type === "ReturnStatement" ? part(node, "argument") : null;
    if (value) found.push(value);
    for (const [key, held] of Object.entries(node)) {
      if (key === "parent" || key === "file") continue;
      for (const one of Array.isArray(held) ? held : [held])
        if (typeof one === "object" && one !== null && "type" in one) visit(one as Node);
    }
  };
  visit(body);
  return found;
}

/** Methods that leave a sentence what it is. */
const touching = new Set(["replace", "trim"]);

const keyOf = (text: Text): string =>
  text.map((piece) => (isHole(piece) ? `\0${piece.hole}\0` : piece)).join("");

function union(...many: Text[][]): Text[] {
  return [...new Map(many.flat().map((text) => [keyOf(text), text])).values()];
}

function product(many: Text[][]): Text[] {
  let made: Text[] = [[]];
  for (const one of many) made = made.flatMap((before) => one.map((after) => [...before, ...after]));
  return union(made.map(merged));
}

/** Neighbouring literals in one. */
function merged(text: Text): Text {
  const pieces: (string | Hole)[] = [];
  for (const piece of text) {
    const last = pieces.at(-1);
    if (typeof piece === "string" && typeof last === "string") pieces[pieces.length - 1] = last + piece;
    else if (piece !== "") pieces.push(piece);
  }
  return pieces;
}

/** `There is no {{what}} {{name}}.`; places of one name are numbered. */
export function templateOf(text: Text): string {
  const used = new Map<string, number>();
  return text
    .map((piece) => {
      if (!isHole(piece)) return piece;
      const times = (used.get(piece.hole) ?? 0) + 1;
      used.set(piece.hole, times);
      return `{{${piece.hole}${times > 1 ? times : ""}}}`;
    })
    .join("")
    .trim();
}
