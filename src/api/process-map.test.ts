// The rules of the process map: what is next in which state, and what the stages of helpers say.
import { describe, expect, test } from "bun:test";
import { type Facts, nextOf, stagesOf } from "./process-map.ts";

const thing = (name: string) => ({ id: `id_${name}`, name });
const talked = { count: 1, newest: "Hello" };
/** A first start's samples, without a trainer. */
const begun: Facts = {
  bases: [thing("smol")],
  datasets: [{ ...thing("sample"), rows: 60 }],
  customized: [],
  complete: [],
  live: [],
  registered: [],
  conversations: { count: 0, newest: null },
  assessments: { count: 0, newest: null },
  held: [],
  knowledge: { count: 0, newest: null },
  thirdParty: [],
  provider: null,
  mayConnect: true,
  open: [],
  hasTrainer: false,
  trainerHint: "none",
};
const gpt = { ...thing("acme/gpt"), abilities: ["text"] };
const tuned = { customized: [thing("tuned")], conversations: talked };
const saved = { ...tuned, complete: [{ ...thing("whole"), customizedId: "id_tuned" }] };
const live = { ...saved, live: [{ ...thing("served"), modelId: "id_whole", status: "live" }] };

const held = (name: string, facts: Partial<Facts>, state: string): Partial<Facts> => ({
  ...facts,
  held: [{ id: `id_${name}`, gate: "quality", state }],
});

test("what a held model needs first is said by what the gate found", () => {
  const said = (state: string) => nextOf({ ...begun, ...held("whole", saved, state) });
  expect(said("unassessed")).toMatchObject({
    sentence: "Next: assess whole for the gate quality.",
    label: "Assess",
  });
  expect(said("partial").label).toBe("Assess");
  expect(said("failed").sentence).toBe("whole does not pass the gate quality.");
  expect(said("assessment-gone").sentence).toBe("The gate quality lets nothing pass.");
});

describe("next", () => {
  const withKnowledge = { conversations: talked, knowledge: { count: 1, newest: "Handbook" } };
  for (const [state, facts, path] of [
    ["nothing at all", { bases: [], datasets: [] }, "/base-models?import=1"],
    ["no dataset", { datasets: [] }, "/datasets?import=1"],
    ["a trainer", { hasTrainer: true }, "/train"],
    [
      "a trainer, and everything else tried",
      { hasTrainer: true, ...withKnowledge, thirdParty: [gpt] },
      "/train",
    ],
    ["no trainer", {}, "/chat?model=smol"],
    ["no trainer, talked", { conversations: talked }, "/knowledge?import=1"],
    ["no trainer, talked, documents", withKnowledge, "/third-party?add=1"],
    ["the same, but not an admin", { ...withKnowledge, mayConnect: false }, "/chat"],
    ["the same, a provider without a model", { ...withKnowledge, provider: thing("acme") }, "/chat"],
    ["the same, everything tried", { ...withKnowledge, thirdParty: [gpt] }, "/chat"],
    ["trained", { customized: [thing("tuned")] }, "/chat?models=tuned,smol"],
    ["trained, talked", tuned, "/customized/id_tuned"],
    ["saved", saved, "/complete/id_whole"],
    ["saved, held, not assessed", held("whole", saved, "unassessed"), "/gates?model=whole"],
    ["saved, held, failed", held("whole", saved, "failed"), "/gates?model=whole"],
    ["saved, another is held", held("other", saved, "failed"), "/complete/id_whole"],
    ["deployed", live, "/live/id_served"],
    ["deployed, held", held("served", live, "failed"), "/gates?model=served"],
    [
      "registered",
      { ...live, registered: [{ alias: "help", deploymentId: "id_served" }] },
      "/chat?model=help",
    ],
  ] as const satisfies readonly [string, Partial<Facts>, string][])
    test(`${state}: ${path}`, () => expect(nextOf({ ...begun, ...facts }).path).toBe(path));
});

describe("helpers", () => {
  const stage = (key: string, facts: Partial<Facts>) =>
    stagesOf({ ...begun, ...facts }).find((one) => one.key === key);
  for (const [state, facts, count, summary, path] of [
    ["none", {}, 0, "Models that others serve.", "/third-party?add=1"],
    ["none, not an admin", { mayConnect: false }, 0, "Models that others serve.", null],
    ["no model", { provider: thing("acme") }, 0, "acme: no model chosen yet.", "/third-party/id_acme"],
    ["some", { provider: thing("acme"), thirdParty: [gpt] }, 1, "acme/gpt", "/third-party"],
  ] as const satisfies readonly [string, Partial<Facts>, number, string, string | null][])
    test(`third-party models: ${state}`, () =>
      expect(stage("thirdParty", facts)).toMatchObject({
        count,
        summary,
        actionPath: path,
        available: true,
      }));

  test("a third-party model that writes opens the chat, one that only embeds does not", () => {
    const chatWith = (...abilities: string[]) =>
      stage("chat", { bases: [], thirdParty: [{ ...gpt, abilities }] })?.actionPath;
    expect(chatWith("text")).toBe("/chat");
    expect(chatWith("embedding")).toBeNull();
  });
});
