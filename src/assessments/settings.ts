// What two assessments set differently: a difference between their scores may come from it.
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import { graderLabel, gradersOf } from "./graders/graders.ts";

/** `name` is the field as the API calls it; a candidate's own has the candidate's name beside it. */
export type Setting = { name: string; candidate: string | null; here: string; there: string };
type Side = { assessment: AssessmentRow; asked: readonly CandidateRow[] };

/** Settings that differ, of the assessments and of each pair of candidates' ids. */
export function settingsApart(
  here: Side,
  there: Side,
  pairs: readonly (readonly [string, string])[],
): Setting[] {
  const [own, other] = [settingsOf(here.assessment), settingsOf(there.assessment)];
  const common = Object.entries(own).map(([name, value]) => ({
    ...{ name, candidate: null, here: value, there: other[name] ?? "" },
  }));
  const each = pairs.flatMap(([ownId, otherId]) => {
    const one = here.asked.find(({ id }) => id === ownId);
    const against = there.asked.find(({ id }) => id === otherId);
    if (!one || !against) return [];
    const of = (name: string, say: (candidate: CandidateRow) => string): Setting => ({
      ...{ name, candidate: one.name, here: say(one), there: say(against) },
    });
    return [
      of("systemPrompt", ({ systemPrompt }) => systemPrompt ?? ""),
      of("knowledgeBases", ({ knowledgeBases }) => knowledgeBases.toSorted().join(", ")),
    ];
  });
  return [...common, ...each].filter((setting) => setting.here !== setting.there);
}

function settingsOf(assessment: AssessmentRow): Record<string, string> {
  const { datasetName, split, sample, question, reference, graders, maxTokens, temperature } = assessment;
  return {
    dataset: datasetName,
    split: split ?? "",
    sample: sample.kind === "all" ? "all" : `${sample.kind}, ${sample.size ?? ""}, seed ${sample.seed}`,
    question,
    reference: reference ?? "",
    graders: gradersOf({ graders }).map(graderLabel).join(", "),
    maxTokens: String(maxTokens),
    temperature: String(temperature),
  };
}
