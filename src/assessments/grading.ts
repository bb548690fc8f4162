// Front door of grading: each grader where it belongs. Rules whose time grows with the answer's length are done here;
// code, schemas and measures of long texts in a process of their own; similarity by an embedder.
import type { Embedder, Embedders } from "../inference/inference.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Caller, Usage } from "../usage/usage.ts";
import type { Case, ChildSpec } from "./graders/child.ts";
import { type Grade, type GraderSpec, gradeAnswer, settled, unscored } from "./graders/graders.ts";
import type { Verdict } from "./graders/javascript.ts";
import { createGradingProcess, type GradingProcessDeps } from "./graders/process.ts";

export type GradingDeps = {
  embedders: Embedders;
  /** Hears of the calls of third parties' embedders. */
  usage: Pick<Usage, "record">;
  process: GradingProcessDeps;
};
/** An answer, what would be right, and the row that was asked about. */
export type GradedCase = Case;
export type Grading = ReturnType<typeof createGrading>;

const CHILD_KINDS = new Set<GraderSpec["kind"]>([
  "javascript",
  "json-schema",
  "bleu",
  "chrf",
  "rouge-1",
  "rouge-2",
  "rouge-l",
]);

export function createGrading({ embedders, usage, process: deps }: GradingDeps) {
  const worker = createGradingProcess(deps);
  /** Failures in a row of a grader, which is the same object for all answers of a run. */
  const failures = new WeakMap<GraderSpec, number>();

  /** What is said instead of more of the same, once a grader has failed too often in a row. */
  const givenUp = (spec: GraderSpec): Verdict | null =>
    (failures.get(spec) ?? 0) < limits.graderFailures
      ? null
      : {
          grade: unscored(
            `The grader failed or took too long for ${limits.graderFailures} answers in a row, so it is not asked any more.`,
          ),
          isOver: false,
        };

  const note = (spec: GraderSpec, isFailure: boolean): void => {
    // What is given up stays so: its last answers under way may still come.
    if (givenUp(spec) === null) failures.set(spec, isFailure ? (failures.get(spec) ?? 0) + 1 : 0);
  };

  /** The embedder of a grader. @throws EspalierError GRADER_INVALID */
  async function embedderOf(model: string | null, caller: Caller): Promise<Embedder> {
    const { projectId } = caller;
    const listed = await embedders.list(projectId);
    const wanted = model ?? listed[0]?.id ?? "";
    const found = await embedders.find(
      projectId,
      wanted,
      (call) => void usage.record({ ...call, ...caller }),
    );
    if (found) return found;
    const names = listed.map(({ name }) => name).slice(0, 10);
    throw new EspalierError("GRADER_INVALID", `There is no embedder "${wanted.slice(0, 120)}".`, {
      field: "grader",
      value: `similarity:${wanted}`.slice(0, 200),
      hint: `Use one of ${names.join(", ")}.`,
    });
  }

  async function similarity(
    model: string | null,
    { answer, reference }: GradedCase,
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<Grade> {
    const embedder = await embedderOf(model, caller);
    const texts = [answer, reference ?? ""];
    const [own, right] = await embedder.embed(texts, "passage", signal);
    if (!own || !right) throw new Error(`${embedder.name} gave no vectors`);
    const lengths = await embedder.countTokens(texts);
    const isCut = lengths.some((length) => length > embedder.maxTokens);
    const detail = isCut ? `Only the first ${embedder.maxTokens} tokens of each text were compared.` : null;
    return { score: Math.min(1, Math.max(0, cosine(own, right))), detail };
  }

  const self = {
    /**
     * Grades answers by one grader, in their order; whatever a grader makes of an answer, the others are still graded.
     * `spec` is the same object for all answers of a run: one that fails for many in a row is not asked for the rest.
     * @throws the signal's reason; EspalierError GRADER_INVALID for a stored expression that cannot be matched
     */
    async grade(
      spec: GraderSpec,
      cases: readonly GradedCase[],
      caller: Caller,
      signal?: AbortSignal,
    ): Promise<Grade[]> {
      const early = cases.map(({ answer, reference }) => settled(spec, answer, reference));
      const open = cases.filter((_, at) => early[at] === null);
      const found = open.length === 0 ? [] : await gradeOpen(spec, open, caller, signal);
      let next = 0;
      return early.map((grade) => grade ?? found[next++] ?? unscored("The grader gave no score."));
    },
    /** Grades one answer by several graders, in their order. @throws as grade does */
    async gradeBy(
      specs: readonly GraderSpec[],
      one: GradedCase,
      caller: Caller,
      signal?: AbortSignal,
    ): Promise<Grade[]> {
      return (await Promise.all(specs.map((spec) => self.grade(spec, [one], caller, signal)))).flat();
    },
    /** Refuses graders that could never grade, before anything is asked. @throws EspalierError GRADER_INVALID */
    async check(projectId: string, specs: readonly GraderSpec[]): Promise<void> {
      for (const spec of specs) {
        if (isChild(spec)) await worker.check(spec);
        if (spec.kind === "similarity")
          await embedderOf(spec.model, { projectId, userId: null, keyId: null, source: "assessment" });
      }
    },
    close: (): Promise<void> => worker.close(),
  };

  async function gradeOpen(
    spec: GraderSpec,
    cases: readonly GradedCase[],
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<Grade[]> {
    if (isChild(spec)) {
      const isTold = spec.kind === "javascript";
      // Only code reads the row, which may be large.
      const told = isTold ? cases : cases.map((one) => ({ ...one, row: {} }));
      const verdicts = await worker.grade(spec, told, () => givenUp(spec), signal);
      for (const { isOver } of verdicts) note(spec, isOver);
      return verdicts.map(({ grade }) => grade);
    }
    const grades: Grade[] = [];
    for (const one of cases) {
      if (spec.kind !== "similarity") {
        grades.push(gradeAnswer(spec, one.answer, one.reference));
        continue;
      }
      const instead = givenUp(spec);
      if (instead) {
        grades.push(instead.grade);
        continue;
      }
      try {
        grades.push(await similarity(spec.model, one, caller, signal));
        note(spec, false);
      } catch (error) {
        signal?.throwIfAborted();
        // The answer is paid for: it is kept, and what the embedder said is told with it.
        grades.push(unscored(`The embedder failed: ${messageOf(error)}`));
        note(spec, true);
      }
    }
    return grades;
  }

  return self;
}

const isChild = (spec: GraderSpec): spec is ChildSpec => CHILD_KINDS.has(spec.kind);

/** Cosine of the angle between two vectors; 0 where one has no length. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, left, right] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] ?? 0, b[at] ?? 0];
    dot += x * y;
    left += x * x;
    right += y * y;
  }
  return left === 0 || right === 0 ? 0 : dot / Math.sqrt(left * right);
}
