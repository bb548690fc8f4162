// The body of the grading process: what a grader is asked there, one answer after the other.

import { endWithParent, serveParent } from "../../kit/child.ts";
import { type ErrorParts, partsOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { bleu } from "./bleu.ts";
import { chrf } from "./chrf.ts";
import { type Grade, type GraderSpec, unscored } from "./graders.ts";
import type { CodeInput, Verdict } from "./javascript.ts";
import { type RougeKind, rouge, rougeWords } from "./rouge.ts";

/** Kinds whose time depends on what a user or a model wrote. */
export type ChildSpec = Extract<
  GraderSpec,
  { kind: "json-schema" | "javascript" | "bleu" | "chrf" | RougeKind }
>;
export type Case = CodeInput;
export type Work = { check: ChildSpec } | { spec: ChildSpec; cases: readonly Case[] };
export type FromGrader = { ready: true } | { checked: ErrorParts | null } | { verdict: Verdict };

/** Scripts whose words mteval-v13a does not part. */
const WITHOUT_BLANKS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}]/u;

/** The body of `espalier answer-grader`: checks graders and grades answers, in the order in which it is asked. */
export function runGraderChild(): Promise<never> {
  endWithParent();
  return serveParent<Work, FromGrader>("answer-grader", { ready: true }, (say) => {
    let queue = Promise.resolve();
    return (work) => {
      queue = queue.then(async () => {
        if ("check" in work) say({ checked: await check(work.check) });
        else for (const one of work.cases) say({ verdict: await grade(work.spec, one) });
      });
    };
  });
}

async function check(spec: ChildSpec): Promise<ErrorParts | null> {
  try {
    // Their libraries are loaded here only: the server itself has no use for them.
    if (spec.kind === "javascript") await (await import("./javascript.ts")).checkCode(spec.code);
    if (spec.kind === "json-schema") (await import("./json-schema.ts")).checkSchema(spec.schema);
    return null;
  } catch (error) {
    return partsOf(error, "GRADER_INVALID");
  }
}

async function grade(spec: ChildSpec, one: Case): Promise<Verdict> {
  if (spec.kind === "javascript") return (await import("./javascript.ts")).runCode(spec.code, one);
  if (spec.kind === "json-schema") {
    const { gradeSchema } = await import("./json-schema.ts");
    return { grade: gradeSchema(spec.schema, one.answer), isOver: false };
  }
  return { grade: gradeOverlap(spec.kind, one.answer, one.reference ?? ""), isOver: false };
}

/** How much of a text is in the other, by one of the measures of translations and summaries. */
export function gradeOverlap(kind: "bleu" | "chrf" | RougeKind, answer: string, reference: string): Grade {
  const chars = Math.max(answer.length, reference.length);
  if (chars > limits.graderTextChars)
    return unscored(
      `A text of ${chars} characters is too long; the limit graderTextChars is ${limits.graderTextChars}.`,
    );
  if (kind === "chrf") return { score: chrf(answer, reference), detail: null };
  if (kind === "bleu") {
    const isUnparted = WITHOUT_BLANKS.test(reference);
    const detail = isUnparted
      ? "BLEU finds words by blanks, which this language does not write: chrf suits it."
      : null;
    return { score: bleu(answer, reference), detail };
  }
  const wanted = rougeWords(reference);
  if (wanted.length === 0)
    return unscored("ROUGE reads a to z and 0 to 9 only, and the reference has none of them.");
  const score = rouge(kind, rougeWords(answer), wanted);
  if (score === null)
    return unscored("The answer and the reference have too many words to compare their order.");
  const isPartly = /[^\p{ASCII}]/u.test(reference.replace(/[^\p{L}]/gu, ""));
  return {
    score,
    detail: isPartly ? "ROUGE reads a to z and 0 to 9 only: other letters did not count." : null,
  };
}
