// Knowledge bases end to end over a real store and real child processes: indexing, retrieval, changes and what is left.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openKnowledge, wordEmbedder } from "./knowledge.test-kit.ts";

type World = Awaited<ReturnType<typeof openKnowledge>>;
let world: World;
beforeAll(async () => {
  world = await openKnowledge();
});
afterAll(() => world?.close());

const create = (name: string, more: object = {}) => world.knowledge.create({ projectId: "p", name, ...more });
const names = async (base: string, question: string, settings: object = {}) =>
  (await world.ask(base, question, settings)).passages.map(({ document }) => document.name);

describe("indexing and asking", () => {
  beforeAll(async () => {
    await create("garden");
    const { run, added } = await world.add("garden", {
      "trees/apple.md": "# Apple\n\nAn apple tree wants sun.\n\n## Pruning\n\nPrune it in late winter.",
      "trees/pear.txt": "A pear on a wall ripens early. It is grown as an espalier.",
      "soil.html": "<h1>Soil</h1><p>Compost feeds the soil.</p><script>steal()</script>",
      "photo.png": new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]),
    });
    expect(run?.status).toBe("succeeded");
    expect(run?.result).toEqual({ ready: 3, failed: 1 });
    expect(added).toHaveLength(4);
  });

  test("documents say how they stand, and why one failed", async () => {
    const base = await world.knowledge.get("p", "garden");
    const { items } = await world.knowledge.pageOfDocuments(base.id, {});
    expect(items.map(({ name, state, kind }) => [name, state, kind])).toEqual([
      ["photo.png", "failed", null],
      ["soil.html", "ready", "html"],
      ["trees/apple.md", "ready", "markdown"],
      ["trees/pear.txt", "ready", "text"],
    ]);
    expect(items[0]?.error).toMatchObject({ code: "DOCUMENT_KIND_UNSUPPORTED" });
    expect((await world.knowledge.counts(base)).documents).toEqual({ failed: 1, ready: 3 });
  });

  test("each ranker finds, says its score, and both are fused", async () => {
    const { passages, nothingFound } = await world.ask("garden", "when do I prune an apple?");
    expect(nothingFound).toBeNull();
    const [first] = passages;
    expect(first?.document.name).toBe("trees/apple.md");
    expect(first?.rankers.map(({ ranker, rank }) => [ranker, rank])).toEqual([
      ["words", 1],
      ["meaning", 1],
    ]);
    expect(first?.score).toBeCloseTo(1, 5);
    expect(await names("garden", "compost", { ranker: "words" })).toEqual(["soil.html"]);
    expect(await names("garden", "compost soil", { ranker: "meaning", k: 1 })).toEqual(["soil.html"]);
  });

  test("a question of nothing but operators, quotes or stop words is no error", async () => {
    for (const question of [
      '" OR NEAR(',
      "* AND *",
      "the of and",
      "'); DROP TABLE chunks;--",
      "知识库",
      "?!",
    ])
      expect((await world.ask("garden", question)).passages.length).toBeLessThanOrEqual(8);
    expect((await world.ask("garden", "?!", { ranker: "words" })).nothingFound).toContain("Nothing found");
    expect(world.ask("garden", "  ")).rejects.toMatchObject({ code: "QUESTION_EMPTY" });
  });

  test("below the threshold nothing is found, and that is said", async () => {
    const { passages, nothingFound } = await world.ask("garden", "quantum chromodynamics", {
      threshold: 0.6,
    });
    expect(passages).toEqual([]);
    expect(nothingFound).toContain("0.6");
  });

  test("filters narrow by document and kind", async () => {
    const ask = (filter: object) =>
      world.knowledge.retrieve({ projectId: "p", knowledgeBases: ["garden"], question: "tree soil", filter });
    const html = await ask({ kinds: ["html"] });
    expect(html.passages.map(({ document }) => document.name)).toEqual(["soil.html"]);
    const apple = (await world.ask("garden", "apple")).passages[0]?.document.id ?? "";
    const only = await ask({ documentIds: [apple] });
    expect(new Set(only.passages.map(({ document }) => document.id))).toEqual(new Set([apple]));
    expect((await ask({ pageFrom: 3 })).passages).toEqual([]);
  });

  test("the same bytes are indexed once, whatever their name; other bytes under a name replace what was there", async () => {
    const again = await world.add("garden", {
      "copy.txt": "A pear on a wall ripens early. It is grown as an espalier.",
    });
    expect(again.run).toBeNull();
    expect(again.added[0]).toMatchObject({ wasThere: true, document: { name: "trees/pear.txt" } });
    const { run } = await world.add("garden", { "trees/pear.txt": "A quince is not a pear." });
    expect(run?.status).toBe("succeeded");
    expect(await names("garden", "quince", { ranker: "words" })).toEqual(["trees/pear.txt"]);
    expect(await names("garden", "espalier", { ranker: "words" })).toEqual([]);
  });

  test("another project sees nothing of it", async () => {
    const foreign = { projectId: "q", knowledgeBases: ["garden"], question: "apple" };
    expect(world.knowledge.retrieve(foreign)).rejects.toMatchObject({ code: "KNOWLEDGE_BASE_NOT_FOUND" });
    const [passage] = (await world.ask("garden", "apple")).passages;
    expect(world.knowledge.getDocument("q", passage?.document.id ?? "")).rejects.toMatchObject({
      code: "DOCUMENT_NOT_FOUND",
    });
    expect(await world.knowledge.findChunk("q", passage?.chunkId ?? "")).toBeNull();
    expect((await world.knowledge.findChunk("p", passage?.chunkId ?? ""))?.document.name).toBe(
      "trees/apple.md",
    );
  });
});

describe("labelled questions", () => {
  const projectId = "p";
  const idOf = async (name: string): Promise<string> => {
    const base = await world.knowledge.get("p", "garden");
    const { items } = await world.knowledge.pageOfDocuments(base.id, { search: name });
    return items[0]?.id ?? "";
  };

  test("ways of asking are measured side by side, with intervals, and the same again", async () => {
    const [apple, soil] = [await idOf("apple"), await idOf("soil")];
    const questions = [
      { text: "prune apple in winter", relevant: [{ documentId: apple }] },
      { text: "compost", relevant: [{ documentId: soil, grade: 2 }] },
      { text: "what feeds the soil", relevant: [{ documentId: soil, start: 0, end: 30 }] },
      { text: "kumquats", relevant: [{ documentId: apple }] },
    ];
    expect(await world.knowledge.labelQuestions("p", "garden", questions)).toHaveLength(4);
    const again = await world.knowledge.labelQuestions("p", "garden", questions.slice(0, 1));
    const measured = async () => {
      const settings = [{ ranker: "words" }, { ranker: "hybrid" }];
      const started = await world.knowledge.startEvaluation({
        projectId,
        knowledgeBase: "garden",
        settings,
        k: 3,
      });
      expect((await world.ended(started.run)).status).toBe("succeeded");
      const base = await world.knowledge.get("p", "garden");
      const [latest] = (await world.knowledge.pageOfEvaluations(base.id, {})).items;
      return latest ? world.knowledge.resultsOf(latest) : null;
    };
    const first = await measured();
    expect(first?.map(({ settings }) => settings.ranker)).toEqual(["words", "hybrid"]);
    // Words find three of the four; the fourth stands in no document.
    expect(first?.[0]?.recall.mean).toBe(3 / 4);
    expect(first?.[0]?.questions.map(({ ndcg }) => ndcg)).toEqual([1, 1, 1, 0]);
    expect(first?.[0]?.difference).toBeNull();
    expect(first?.[1]?.difference?.recall.mean).toBeCloseTo((first?.[1]?.recall.mean ?? 0) - 3 / 4, 12);
    expect(first?.[0]?.questions[0]?.found[0]).toMatchObject({ documentId: apple, isRelevant: true });
    expect(first?.[0]?.ndcg.low).toBeLessThan(first?.[0]?.ndcg.high ?? 0);
    expect(await measured()).toEqual(first);
    expect(await world.knowledge.deleteQuestion("p", again[0]?.id ?? "")).toMatchObject({
      name: questions[0]?.text,
    });
    const base = await world.knowledge.get("p", "garden");
    expect(await (await world.knowledge.pageOfQuestions(base.id, {})).totalCount()).toBe(3);
  });

  test("wrong labels and settings are refused by name", async () => {
    const apple = await idOf("apple");
    const label = (relevant: object) =>
      world.knowledge.labelQuestions("p", "garden", [
        { text: "q", relevant: [{ documentId: apple, ...relevant }] },
      ]);
    for (const relevant of [{ documentId: "doc_x" }, { grade: 9 }, { start: 5 }, { start: 5, end: 2 }])
      expect(label(relevant)).rejects.toMatchObject({ code: "RELEVANCE_INVALID" });
    const start = (more: object) =>
      world.knowledge.startEvaluation({ projectId, knowledgeBase: "garden", settings: [{}], ...more });
    expect(start({ k: 0 })).rejects.toMatchObject({ code: "RELEVANCE_INVALID", field: "k" });
    expect(start({ settings: [] })).rejects.toMatchObject({ field: "settings" });
    expect(start({ settings: [{ ranker: "magic" }] })).rejects.toMatchObject({ code: "SETTING_INVALID" });
    await create("unlabelled");
    expect(start({ knowledgeBase: "unlabelled" })).rejects.toMatchObject({ code: "QUESTIONS_MISSING" });
    expect(start({ projectId: "q" })).rejects.toMatchObject({ code: "KNOWLEDGE_BASE_NOT_FOUND" });
    await world.knowledge.remove("p", "unlabelled", true);
  });
});

describe("changes", () => {
  const story = Array.from(
    { length: 60 },
    (_, i) => `Sentence number ${i} speaks of topic${i} at some length.`,
  ).join(" ");

  test("neighbours join what was cut, each word once", async () => {
    await create("long", { chunking: { maxTokens: 64, overlapTokens: 24 } });
    await world.add("long", { "story.txt": story });
    const alone = (await world.ask("long", "topic30", { ranker: "words", k: 1 })).passages[0];
    const joined = (await world.ask("long", "topic30", { ranker: "words", k: 1, neighbours: 1 })).passages[0];
    expect(alone?.text).toContain("topic30 ");
    expect(joined?.text.length).toBeGreaterThan((alone?.text.length ?? 0) * 2);
    expect(story).toContain(joined?.text ?? "nothing");
    expect(story.slice(joined?.start, joined?.end)).toBe(joined?.text ?? "");
  });

  test("a new cutting is built beside the old index, reuses vectors of what stayed, and sweeps the old", async () => {
    const before = await world.knowledge.get("p", "long");
    const { texts } = world.embedders[0] as ReturnType<typeof wordEmbedder>;
    await world.add("long", { "note.txt": "One short note about kumquats." });
    const from = texts.length;
    const { run, base } = await world.knowledge.update({
      projectId: "p",
      id: "long",
      chunking: { maxTokens: 80 },
    });
    expect(base.indexNumber).toBe(before.indexNumber);
    expect((await world.ended(run)).status).toBe("succeeded");
    expect((await world.knowledge.get("p", "long")).indexNumber).toBeGreaterThan(before.indexNumber);
    expect(texts.slice(from).some((text) => text.includes("kumquats"))).toBe(false);
    expect(await names("long", "kumquats", { ranker: "words" })).toEqual(["note.txt"]);
    const bases = (await world.knowledge.page("p", {})).items.length;
    while ((await world.left()).tables > bases) await Bun.sleep(20);
  });

  test("another embedder answers when its index is whole; a lost one leaves the words, and says so", async () => {
    world.embedders.push(wordEmbedder("other-32", 32));
    const { run } = await world.knowledge.update({ projectId: "p", id: "long", embedder: "other-32" });
    expect((await world.ended(run)).status).toBe("succeeded");
    expect((await world.ask("long", "kumquats", { k: 1 })).warnings).toEqual([]);
    world.embedders.pop();
    const { passages, warnings } = await world.ask("long", "kumquats", { k: 1 });
    expect(passages[0]?.document.name).toBe("note.txt");
    expect(warnings.join()).toContain("other-32");
    const { run: lost } = await world.add("long", { "more.txt": "More about limes." });
    expect(lost?.error).toMatchObject({ code: "EMBEDDER_NOT_FOUND" });
    world.embedders.push(wordEmbedder("other-32", 32));
    const failed = (
      await world.knowledge.pageOfDocuments((await world.knowledge.get("p", "long")).id, { state: "failed" })
    ).items;
    expect(failed.map(({ name }) => name)).toEqual(["more.txt"]);
    const { run: again } = await world.knowledge.retryDocument("p", failed[0]?.id ?? "");
    expect((await world.ended(again)).status).toBe("succeeded");
    expect(await names("long", "limes", { ranker: "words" })).toEqual(["more.txt"]);
  });

  test("a document deleted while it is read leaves nothing", async () => {
    await create("doomed", { chunking: { maxTokens: 20, overlapTokens: 0 } });
    const { added, run } = await world.start("doomed", {
      "a.txt": `${story} first`,
      "b.txt": "A survivor about figs.",
    });
    await world.knowledge.deleteDocument("p", added[0]?.document.id ?? "");
    expect((await world.ended(run)).status).toBe("succeeded");
    expect(await names("doomed", "topic3 figs", { ranker: "words" })).toEqual(["b.txt"]);
    const rows = () =>
      world.store.db.all<{ n: number }>(
        `SELECT count(*) AS n FROM chunks WHERE document_id = '${added[0]?.document.id}'`,
      );
    while (((await rows())[0]?.n ?? 0) > 0) await Bun.sleep(20);
  });

  test("cancel ends the documents of a run; a retry of the run reads them", async () => {
    const [words] = world.embedders;
    if (!words) throw new Error("no embedder");
    const held = Promise.withResolvers<void>();
    const embed = words.embed;
    words.embed = async (texts, kind, signal) => {
      await Promise.race([
        held.promise,
        new Promise((_, no) => signal?.addEventListener("abort", () => no(signal.reason))),
      ]);
      return embed(texts, kind, signal);
    };
    const { run } = await world.start("doomed", { "c.txt": "Cancelled cherries." });
    while ((await world.runs.get(run?.id ?? "")).status !== "running") await Bun.sleep(5);
    await world.runs.requestCancel(run?.id ?? "");
    expect((await world.ended(run)).status).toBe("cancelled");
    words.embed = embed;
    held.resolve();
    const base = await world.knowledge.get("p", "doomed");
    const [failed] = (await world.knowledge.pageOfDocuments(base.id, { state: "failed" })).items;
    expect(failed?.error).toMatchObject({ code: "INDEXING_CANCELLED" });
    expect((await world.ended(await world.runs.retry(run?.id ?? ""))).status).toBe("succeeded");
    expect(await names("doomed", "cherries", { ranker: "words" })).toEqual(["c.txt"]);
  });

  test("a deleted knowledge base takes everything with it", async () => {
    expect(world.knowledge.remove("p", "doomed", false)).rejects.toMatchObject({ code: "HAS_DEPENDANTS" });
    for (const name of ["doomed", "long", "garden"]) await world.knowledge.remove("p", name, true);
    while ((await world.left()).chunks > 0 || (await world.left()).tables > 0) await Bun.sleep(20);
    expect(await world.left()).toEqual({ tables: 0, chunks: 0 });
  });

  test("wrong settings are refused by name", async () => {
    const wrong = [
      [{ chunking: { maxTokens: 4 } }, "maxTokens"],
      [{ chunking: { maxTokens: 4000 } }, "maxTokens"],
      [{ chunking: { overlapTokens: 200 } }, "overlapTokens"],
      [{ retrieval: { k: 0 } }, "k"],
      [{ retrieval: { threshold: 2 } }, "threshold"],
      [{ retrieval: { ranker: "magic" } }, "ranker"],
    ] as const;
    for (const [settings, field] of wrong)
      expect(create("x", settings)).rejects.toMatchObject({ code: "SETTING_INVALID", field });
    expect(create("x", { embedder: "none" })).rejects.toMatchObject({ code: "EMBEDDER_NOT_FOUND" });
    expect(create("../x")).rejects.toMatchObject({ code: "NAME_INVALID" });
  });
});

describe("the trash", () => {
  test("a document comes back under a free name and is read again; one without its base says so", async () => {
    const base = await create("yard", {});
    await world.add("yard", { "a.txt": "Roses need sun.", "b.txt": "Ferns need shade." });
    const [a] = (await world.knowledge.pageOfDocuments(base.id, { search: "a.txt" })).items;
    await world.knowledge.deleteDocument("p", a?.id ?? "");
    expect((await world.ask("yard", "roses", { ranker: "words" })).passages).toHaveLength(0);
    await world.add("yard", { "a.txt": "Quite another text." });
    expect(await world.knowledge.restore("p", a?.id ?? "")).toEqual({ id: a?.id ?? "", name: "a_2.txt" });
    await world.settled();
    const [found] = (await world.ask("yard", "roses", { ranker: "words" })).passages;
    expect(found?.document).toMatchObject({ id: a?.id, name: "a_2.txt" });
    await expect(world.knowledge.restore("other", a?.id ?? "")).rejects.toMatchObject({
      code: "NOT_IN_TRASH",
    });

    await world.knowledge.deleteDocument("p", a?.id ?? "");
    await world.knowledge.remove("p", "yard", true);
    await expect(world.knowledge.restore("p", a?.id ?? "")).rejects.toMatchObject({ code: "SOURCE_DELETED" });
  });

  test("a knowledge base comes back with settings, questions and documents, which are indexed again", async () => {
    const base = await create("plot", { chunking: { maxTokens: 48, overlapTokens: 8 }, retrieval: { k: 3 } });
    await world.add("plot", { "a.txt": "Roses need sun.", "b.png": "\x89PNG nothing" });
    const [a] = (await world.knowledge.pageOfDocuments(base.id, { search: "a.txt" })).items;
    const relevant = [{ documentId: a?.id ?? "" }];
    await world.knowledge.labelQuestions("p", "plot", [{ text: "What do roses need?", relevant }]);
    await world.knowledge.remove("p", "plot", true);
    await create("plot", {});
    expect(await world.knowledge.restore("p", base.id)).toEqual({ id: base.id, name: "plot_2" });
    await world.settled();
    const back = await world.knowledge.get("p", "plot_2");
    expect(await world.knowledge.counts(back)).toMatchObject({
      documents: { ready: 1, failed: 1 },
      chunks: 1,
    });
    expect((await world.knowledge.indexOf(back)).chunking.maxTokens).toBe(48);
    expect(world.knowledge.settingsOf(back).k).toBe(3);
    expect((await world.knowledge.pageOfQuestions(back.id, {})).items.map(({ text }) => text)).toEqual([
      "What do roses need?",
    ]);
    expect((await world.ask("plot_2", "roses", { ranker: "words" })).passages[0]?.document.id).toBe(a?.id);
  });
});
