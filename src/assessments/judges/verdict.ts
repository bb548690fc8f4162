// What a judge's reply says: one JSON object of the form that was asked for, or no verdict at all.
import { z } from "zod";
import { parseJson } from "../graders/json.ts";

/** `value` is from 0 to 1, for the answer shown first; a reply that is no verdict is never guessed at. */
export type Verdict = { value: number; reason: string | null } | { value: null; reason: string };
export type JudgeMode = "direct" | "pairwise";

/** Scores that a judge gives to an answer by itself: few enough to mean something. */
export const LOWEST = 1;
export const HIGHEST = 5;

const reason = z.string().max(20_000).nullish();
const direct = z.object({ score: z.number().int().min(LOWEST).max(HIGHEST), reason });
const pairwise = z.object({ verdict: z.enum(["A", "B", "tie"]), reason });
/** What models that think aloud say first; drafts of the verdict may be in it. */
const THOUGHTS = /^\s*<think>[\s\S]*?<\/think>/;
const WORTH = { A: 1, B: 0, tie: 0.5 } as const;

/** What the judge's reply is held to, where whoever judges can be held to a schema. */
export const VERDICT_SCHEMAS = {
  direct: {
    type: "object",
    properties: {
      reason: { type: "string" },
      score: { type: "integer", enum: [1, 2, 3, 4, 5] },
    },
    required: ["reason", "score"],
    additionalProperties: false,
  },
  pairwise: {
    type: "object",
    properties: { reason: { type: "string" }, verdict: { type: "string", enum: ["A", "B", "tie"] } },
    required: ["reason", "verdict"],
    additionalProperties: false,
  },
};

/** Reads a reply. Words around the one object are let be; two objects, or a key said twice, are no verdict. */
export function readVerdict(mode: JudgeMode, reply: string): Verdict {
  const said = reply.replace(THOUGHTS, "");
  if (said.trim() === "") return none("the reply is empty");
  const objects = objectsIn(said);
  if (objects.length === 0) return none("there is no JSON object in it");
  if (objects.length > 1) return none(`there are ${objects.length} JSON objects in it`);
  const [text = ""] = objects;
  const parsed = parseJson(text);
  if (!parsed.ok) return none(parsed.problem);
  const key = mode === "direct" ? "score" : "verdict";
  if (timesSaid(text, key) > 1) return none(`it says "${key}" more than once`);
  if (mode === "direct") {
    const found = direct.safeParse(parsed.value);
    if (!found.success) return none(`"score" is no whole number from ${LOWEST} to ${HIGHEST}`);
    const { score, reason: why } = found.data;
    return { value: (score - LOWEST) / (HIGHEST - LOWEST), reason: why?.trim() || null };
  }
  const found = pairwise.safeParse(parsed.value);
  if (!found.success) return none('"verdict" is none of A, B and tie');
  return { value: WORTH[found.data.verdict], reason: found.data.reason?.trim() || null };
}

const none = (why: string): Verdict => ({ value: null, reason: `The judge's reply is no verdict: ${why}.` });

/** The texts of the outermost objects in a reply, in their order; one that is never closed is one, too. */
function objectsIn(text: string): string[] {
  const objects: string[] = [];
  let depth = 0;
  let start = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (isInString) {
      if (sign === "\\") at++;
      else if (sign === '"') isInString = false;
    } else if (sign === '"' && depth > 0) isInString = true;
    else if (sign === "{") {
      if (depth === 0) start = at;
      depth++;
    } else if (sign === "}" && depth > 0) {
      depth--;
      if (depth === 0) objects.push(text.slice(start, at + 1));
    }
  }
  if (depth > 0) objects.push(text.slice(start));
  return objects;
}

/** How often an object's own keys have that name: of a key that is said twice, parsers take the last. */
function timesSaid(object: string, key: string): number {
  let depth = 0;
  let times = 0;
  for (const [token] of object.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":") && nameOf(token) === key) times++;
  }
  return times;
}

function nameOf(token: string): string | null {
  try {
    const name: unknown = JSON.parse(token.replace(/\s*:$/, ""));
    return typeof name === "string" ? name : null;
  } catch {
    return null;
  }
}
