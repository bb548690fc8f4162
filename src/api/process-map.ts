// The process map: what exists at each stage, what is missing there, and the one next thing to do.
import type { RunRow } from "../runs/runs.ts";
import type { TrainerRow } from "./trainers.ts";

export type MapStage = {
  key: string;
  count: number;
  summary: string;
  running: RunRow[];
  available: boolean;
  reason: string | null;
  actionLabel: string | null;
  actionPath: string | null;
  missing: string[];
};
export type MapNext = { sentence: string; detail: string; label: string; path: string };
export type ProcessMap = {
  stages: MapStage[];
  next: MapNext;
  trainers: TrainerRow[];
  trainerHint: string | null;
  project: string;
};

/** All that the rules look at. Lists are newest first. */
export type Facts = {
  bases: { id: string; name: string }[];
  /** `rows` of the newest version; null where none was imported. */
  datasets: { id: string; name: string; rows: number | null }[];
  customized: { id: string; name: string }[];
  complete: { id: string; name: string; customizedId: string | null }[];
  live: { id: string; name: string; modelId: string; status: string }[];
  registered: { alias: string; deploymentId: string }[];
  conversations: { count: number; newest: string | null };
  assessments: { count: number; newest: string | null };
  /** Of the models that may be proposed, those that a gate holds, each with the first such gate and what it found. */
  held: { id: string; gate: string; state: string }[];
  knowledge: { count: number; newest: string | null };
  thirdParty: { id: string; name: string; abilities: readonly string[] }[];
  /** The newest provider, whether or not a model of it was chosen. */
  provider: { id: string; name: string } | null;
  /** Whether the caller may connect a provider. */
  mayConnect: boolean;
  /** Runs that wait or run. */
  open: RunRow[];
  hasTrainer: boolean;
  /** How a trainer comes to be, or what the server's own one is doing. */
  trainerHint: string;
};

/** Rules for "Next", tried from the top: the first whose condition holds speaks. */
const nextRules: readonly ((facts: Facts) => MapNext | null)[] = [
  ({ bases, open }) =>
    bases.length > 0 || open.some(({ kind }) => kind === "import-model")
      ? null
      : next(
          "Next: import a base model.",
          "Everything grows from one: a Hugging Face folder or a GGUF file.",
          "Import a base model",
          "/base-models?import=1",
        ),
  ({ datasets, open }) =>
    datasets.length > 0 || open.some(({ kind }) => kind === "import-dataset")
      ? null
      : next(
          "Next: import a dataset.",
          "A training learns from its examples.",
          "Import a dataset",
          "/datasets?import=1",
        ),
  ({ open }) => {
    const training = open.find(({ kind }) => kind === "train");
    if (!training) return null;
    const waits = training.status === "queued";
    return next(
      waits ? `${training.name} waits for a trainer.` : `${training.name} is under way.`,
      waits ? "It starts as soon as a trainer is free." : "Watch its loss fall; it goes on when you leave.",
      "Watch it",
      `/trainings/${training.subjectId ?? ""}`,
    );
  },
  ({ open }) => {
    const run = open[0];
    return run
      ? next(`${run.name} is under way.`, "It goes on when you leave.", "Look at it", `/runs/${run.id}`)
      : null;
  },
  (facts) =>
    hasTrained(facts) || !facts.hasTrainer
      ? null
      : next(
          "Next: train your first model.",
          "The sample takes a few minutes on a laptop.",
          "Train",
          "/train",
        ),
  (facts) =>
    hasTrained(facts) || facts.conversations.count > 0
      ? null
      : next(
          "Next: talk to a base model.",
          "Training needs a trainer; chatting and deploying do not.",
          "Chat",
          `/chat?model=${encodeURIComponent(facts.bases[0]?.name ?? "")}`,
        ),
  (facts) =>
    hasTrained(facts) || facts.knowledge.count > 0
      ? null
      : next(
          "Next: create a knowledge base.",
          "Training needs a trainer; finding answers in your documents does not.",
          "Create",
          createKnowledge,
        ),
  (facts) =>
    hasTrained(facts) || facts.thirdParty.length > 0 || facts.provider || !facts.mayConnect
      ? null
      : next(
          "Next: connect a third-party model.",
          "Training needs a trainer; comparing yours with a model that others serve does not.",
          "Connect",
          connectProvider,
        ),
  ({ conversations, customized, bases }) => {
    const newest = customized[0];
    if (conversations.count > 0 || !newest) return null;
    const models = [newest.name, bases[0]?.name ?? ""].map(encodeURIComponent).join(",");
    return next(
      `Next: talk to ${newest.name}.`,
      "Side by side with its base you see what it learned.",
      "Compare in chat",
      `/chat?models=${models}`,
    );
  },
  ({ customized, complete }) => {
    const unsaved = customized.find(({ id }) => !complete.some(({ customizedId }) => customizedId === id));
    return unsaved && complete.length === 0
      ? next(
          `Next: save ${unsaved.name} as a complete model.`,
          "It then needs its base no more and can be taken anywhere.",
          "Save",
          `/customized/${unsaved.id}`,
        )
      : null;
  },
  (facts) => {
    const newest = toDeploy(facts);
    return newest
      ? (heldNext(facts, newest) ??
          next(
            `Next: deploy ${newest.name}.`,
            "A live model answers people and programs.",
            "Deploy",
            `/complete/${newest.id}`,
          ))
      : null;
  },
  (facts) => {
    const unnamed = toRegister(facts);
    return unnamed
      ? (heldNext(facts, unnamed) ??
          next(
            `Next: register ${unnamed.name}.`,
            "An alias stays the same when the model behind it changes.",
            "Register",
            `/live/${unnamed.id}`,
          ))
      : null;
  },
  ({ registered }) => {
    const newest = registered[0];
    return newest
      ? next(
          `${newest.alias} is in service.`,
          "Talk to it here, or from any OpenAI client.",
          `Chat with ${newest.alias}`,
          `/chat?model=${encodeURIComponent(newest.alias)}`,
        )
      : null;
  },
];

/** The model to deploy next; null once anything is live. */
export function toDeploy({
  complete,
  live,
}: Pick<Facts, "complete" | "live">): Facts["complete"][number] | null {
  return live.length === 0 ? (complete[0] ?? null) : null;
}

/** The live model to register next; null once anything is registered. */
export function toRegister({
  live,
  registered,
}: Pick<Facts, "live" | "registered">): Facts["live"][number] | null {
  return registered.length === 0 ? (live.find(({ status }) => status === "live") ?? null) : null;
}

/** What a model that a gate holds needs first; null where none does. */
function heldNext({ held }: Facts, { id, name }: { id: string; name: string }): MapNext | null {
  const found = held.find((one) => one.id === id);
  if (!found) return null;
  const { gate, state } = found;
  const path = `/gates?model=${encodeURIComponent(name)}`;
  if (state === "failed")
    return next(
      `${name} does not pass the gate ${gate}.`,
      "See what it scores, and on which rows it fails.",
      "See why",
      path,
    );
  if (state === "unassessed" || state === "partial")
    return next(`Next: assess ${name} for the gate ${gate}.`, "It goes live once it passes.", "Assess", path);
  return next(
    `The gate ${gate} lets nothing pass.`,
    "What it names was deleted: bring that back, or remove the gate.",
    "See the gate",
    path,
  );
}

const createKnowledge = "/knowledge?import=1";
const connectProvider = "/third-party?add=1";

const hasTrained = ({ customized, complete }: Facts): boolean => customized.length + complete.length > 0;

/** The next thing to do. */
export function nextOf(facts: Facts): MapNext {
  for (const rule of nextRules) {
    const said = rule(facts);
    if (said) return said;
  }
  return facts.hasTrainer
    ? next("Train another model.", "Try other parameters, or another dataset.", "Train", "/train")
    : next("Nothing waits for you.", "To train a model, connect a trainer.", "Open chat", "/chat");
}

function next(sentence: string, detail: string, label: string, path: string): MapNext {
  return { sentence, detail, label, path };
}

/** The stages in lifecycle order. */
export function stagesOf(facts: Facts): MapStage[] {
  const { bases, datasets, customized, complete, live, registered, hasTrainer } = facts;
  const running = (...kinds: string[]): RunRow[] => facts.open.filter(({ kind }) => kinds.includes(kind));
  const newest = (rows: { name: string }[], none: string): string => rows[0]?.name ?? none;
  const answering = live.filter(({ status }) => status === "live");
  const readable = datasets.find(({ rows }) => rows !== null);
  const missingForTraining = [
    ...(bases.length > 0 ? [] : ["a base model"]),
    ...(datasets.some(({ rows }) => rows !== null) ? [] : ["a dataset"]),
    ...(hasTrainer ? [] : ["a trainer"]),
  ];
  const hasModel = bases.length + customized.length + complete.length > 0;
  const canTalk = hasModel || facts.thirdParty.some(({ abilities }) => abilities.includes("text"));
  return [
    stage("base", bases.length, newest(bases, "Weights we start from."), {
      running: running("import-model"),
      action: ["Import", "/base-models?import=1"],
    }),
    stage("datasets", datasets.length, datasetWords(readable, datasets), {
      running: running("import-dataset"),
      action: ["Import", "/datasets?import=1"],
    }),
    stage("customized", customized.length, newest(customized, "What trainings make."), {
      running: running("train"),
      action: missingForTraining.length === 0 ? ["Train", "/train"] : null,
      missing: missingForTraining,
      reason: hasTrainer ? null : facts.trainerHint,
    }),
    stage("complete", complete.length, newest(complete, "Merged and self-contained."), {
      running: running("merge"),
      action: customized[0]
        ? [complete[0] ? "Save another" : "Save", `/customized/${customized[0].id}`]
        : null,
      missing: customized.length > 0 ? [] : ["a customized model"],
    }),
    stage("live", live.length, liveWords(answering, live.length), {
      running: running("deploy"),
      action: hasModel ? ["Deploy", deployPath(facts)] : null,
      missing: hasModel ? [] : ["a model"],
    }),
    stage(
      "registered",
      registered.length,
      registered.map(({ alias }) => alias).join(", ") || "Stable names.",
      {
        action: live[0] ? ["Register", `/live/${live[0].id}`] : null,
        missing: live.length > 0 ? [] : ["a live model"],
      },
    ),
    stage(
      "assessment",
      facts.assessments.count,
      facts.assessments.newest ?? "Which model is better, and how sure.",
      {
        running: running("assess"),
        action: canTalk && readable ? ["Assess", "/assess"] : null,
        missing: [...(canTalk ? [] : ["a model"]), ...(readable ? [] : ["a dataset"])],
      },
    ),
    stage(
      "chat",
      facts.conversations.count,
      facts.conversations.newest ?? "Talk to any model, or up to four side by side.",
      {
        action: canTalk ? ["Open chat", "/chat"] : null,
        missing: canTalk ? [] : ["a model"],
      },
    ),
    stage("knowledge", facts.knowledge.count, facts.knowledge.newest ?? "Documents that answer.", {
      running: running("index-documents", "rebuild-index"),
      action: facts.knowledge.count > 0 ? ["Open", "/knowledge"] : ["Create", createKnowledge],
    }),
    stage("thirdParty", facts.thirdParty.length, thirdPartyWords(facts), { action: thirdPartyAction(facts) }),
  ];
}

function datasetWords(readable: Facts["datasets"][number] | undefined, all: Facts["datasets"]): string {
  if (readable) return `${readable.name}, ${readable.rows} rows`;
  return all.length > 0 ? "No import has succeeded yet." : "Examples to learn from.";
}

function liveWords(answering: Facts["live"], all: number): string {
  const [first, ...others] = answering;
  if (!first) return all > 0 ? "None is in service." : "Models that answer.";
  return others.length > 0 ? `${answering.length} in service` : `${first.name}, in service`;
}

function thirdPartyWords({ thirdParty, provider }: Facts): string {
  return (
    thirdParty[0]?.name ?? (provider ? `${provider.name}: no model chosen yet.` : "Models that others serve.")
  );
}

/** A provider without a chosen model comes first; only who may connect one is shown how. */
function thirdPartyAction({ thirdParty, provider, mayConnect }: Facts): [string, string] | null {
  if (thirdParty.length > 0) return ["Open", "/third-party"];
  if (!mayConnect) return null;
  return provider ? ["Choose models", `/third-party/${provider.id}`] : ["Connect", connectProvider];
}

function deployPath({ complete, customized, bases }: Facts): string {
  if (complete[0]) return `/complete/${complete[0].id}`;
  if (customized[0]) return `/customized/${customized[0].id}`;
  return `/base-models/${bases[0]?.id ?? ""}`;
}

function stage(
  key: string,
  count: number,
  summary: string,
  more: {
    running?: RunRow[];
    action?: readonly [label: string, path: string] | null;
    missing?: string[];
    reason?: string | null;
  },
): MapStage {
  const reason = more.reason ?? null;
  return {
    key,
    count,
    summary,
    running: more.running ?? [],
    // What was made before stays open; only the making needs what is missing.
    available: reason === null || count > 0,
    reason,
    actionLabel: more.action?.[0] ?? null,
    actionPath: more.action?.[1] ?? null,
    missing: more.missing ?? [],
  };
}
