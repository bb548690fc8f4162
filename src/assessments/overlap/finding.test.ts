// Exact and near copies are found among rows of training, and what only looks alike is not.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { uniform } from "../../kit/random.ts";
import { entriesOf } from "./entries.ts";
import { type AskedRow, createFinder, type Entry, type Found } from "./finding.ts";
import { alike, standsIn, wordsOf } from "./words.ts";

type Pair = readonly [question: string, answer: string];
function find(
  asked: readonly Pair[],
  entries: readonly Pair[],
  kind: "trained" | "passages" = "trained",
): (Found | undefined)[] {
  const rows = asked.map(([question, answer], row): AskedRow => ({ row, questions: [question], answer }));
  const finder = createFinder(rows, kind);
  const all = entries.map(([question, answer], number): Entry => ({ number, question, answer }));
  for (const entry of all) finder.survey(entry);
  for (const entry of all) finder.compare(entry);
  const { found } = finder.finish();
  return asked.map((_, row) => found.find((one) => one.row === row));
}
const levels = (found: readonly (Found | undefined)[]) => found.map((one) => one?.level);

describe("words", () => {
  test.each([
    ["Case, and   white\nspace!", "case and white space"],
    ["Straße „Ärger“ ﬁne", "strasse ärger fine"],
    ["12 - 5 + 3*4 = 19, well-known", "12 - 5 + 3 * 4 = 19 well known"],
    ["-5 and a-5", "- 5 and a 5"],
    ["今天天气 good", "今 天 天 气 good"],
    ["...", ""],
  ])("%s", (text, words) => expect(wordsOf(text).join(" ")).toBe(words));

  test("of ASCII as of any other text", () => {
    for (const text of ["It's 3*4-2=10 at $5.", "a_b, x+y | ~z", "(-7) to -3"])
      expect(wordsOf(text)).toEqual(wordsOf(`${text} é`).slice(0, -1));
  });

  test("runs of characters say how alike short texts are", () => {
    expect(alike(wordsOf("reset my password"), wordsOf("reset my password"))).toBe(1);
    expect(alike(wordsOf("reset my password"), wordsOf("reset my passwords"))).toBeGreaterThan(0.8);
    expect(alike(wordsOf("cancel my order"), wordsOf("cancel my subscription"))).toBeLessThan(0.6);
    expect(standsIn(["b", "c"], ["a", "b", "c"])).toBe(true);
    expect(standsIn(["a", "c"], ["a", "b", "c"])).toBe(false);
  });
});

const TRAINED: Pair[] = [
  [
    "How do I reset the password of my account when I no longer have my phone?",
    "Ask support for a new link.",
  ],
  ["Which river flows through the old town of Heidelberg?", "The Neckar"],
  ["What is 12 + 15?", "27"],
  ["Please cancel my newsletter", "Done."],
  ["Explain the concept of dimensional reduction.", "It keeps what tells."],
];

test.each<[string, Pair, string | undefined, boolean | null | undefined]>([
  ["the same", ["Which river flows through the old town of Heidelberg?", "The Neckar"], "exact", true],
  [
    "another case and layout",
    ["WHICH river  flows\nthrough the old town of Heidelberg", "the neckar."],
    "exact",
    true,
  ],
  ["the same with another answer", ["What is 12 + 15?", "26"], "exact", false],
  [
    "one word changed",
    ["Which river flows through the ancient town of Heidelberg?", "the neckar"],
    "near",
    true,
  ],
  [
    "one word of many changed",
    [
      "How do I reset the password of my account when I no longer own my phone?",
      "Ask support for a new link",
    ],
    "near",
    true,
  ],
  [
    "words before it",
    ["Answer shortly: which river flows through the old town of Heidelberg?", "Neckar"],
    "near",
    true,
  ],
  ["the same sum with another number", ["What is 12 + 16?", "28"], undefined, undefined],
  ["the other sign", ["What is 12 - 15?", "-3"], undefined, undefined],
  ["a short one, nearly", ["please cancel my newsletters", "done"], "near", true],
  ["a short one of the same manner", ["please cancel my order", "done"], undefined, undefined],
  [
    "a short one mistyped",
    ["Explain the concept of dimensional redcution", "It keeps what tells"],
    "near",
    true,
  ],
  [
    "half the runs of a short one",
    ["Explain the concept of sentiment analysis.", "No."],
    undefined,
    undefined,
  ],
  [
    "a short one with words around it",
    ["<p>Hello there! Please cancel my newsletter.</p> I thank you in advance.", "Done"],
    "near",
    true,
  ],
  ["something else", ["Who wrote the opera about a flute that is magic?", "Mozart"], undefined, undefined],
  ["no word at all", ["…?", "Done."], undefined, undefined],
])("%s", (_what, asked, level, hasAnswer) => {
  const [found] = find([asked], TRAINED);
  expect([found?.level, found?.hasAnswer]).toEqual([level as Found["level"] | undefined, hasAnswer]);
});

test("wording that all questions share tells nothing of them", () => {
  const task =
    "Sort the support message into one of billing, shipping, account or sales, and say whether it is urgent:";
  const messages = Array.from(
    { length: 60 },
    (_, at) => `${["parcel", "invoice", "login", "offer"][at % 4]} case ${at}`,
  );
  const trained = messages.map((message): Pair => [`${task} my ${message} went wrong`, "billing"]);
  const asked: Pair[] = [
    [`${task} I want to know when the new shop opens`, "billing"],
    [`${task} the courier dropped my vase today`, "billing"],
    [`${task} my invoice case 5 went wrong`, "billing"],
    [`${task} somebody else reads my letters`, "billing"],
  ];
  expect(levels(find(asked, trained))).toEqual([undefined, undefined, "exact", undefined]);
});

test("many copies of one row are no shared wording", () => {
  const copies = Array.from({ length: 30 }, (_, at): Pair => [`${TRAINED[0]?.[0]} Copy ${at}`, "Ask."]);
  expect(
    levels(
      find(
        [
          [TRAINED[0]?.[0] ?? "", "Ask."],
          ["Where is the moon tonight then?", ""],
        ],
        copies,
      ),
    ),
  ).toEqual(["near", undefined]);
});

test("what is compared by meaning shares rare words for its length", () => {
  const other = (at: number, count: number) =>
    Array.from({ length: count }, (_, n) => `w${at}x${n}`).join(" ");
  const long = Array.from({ length: 8 }, (_, at) =>
    ["bats", "sleep", "upside", "winter"].map((word) => `${word} ${other(at, 30)}`).join(" "),
  );
  const entries = [
    ...long,
    "Do bats rest by day in winter?",
    ...Array.from({ length: 60 }, (_, at) => other(at, 9)),
  ];
  const finder = createFinder(
    [{ row: 0, questions: ["Why do bats sleep upside down all winter?"], answer: null }],
    "trained",
  );
  const all = entries.map((question, number): Entry => ({ number, question, answer: "" }));
  for (const entry of all) finder.survey(entry);
  for (const entry of all) finder.compare(entry);
  expect(finder.finish().unfound[0]?.candidates[0]?.entry.number).toBe(8);
});

test("a passage may hold the question, the answer, or both", () => {
  const asked: Pair[] = [
    [
      "How long does the battery of the lamp last?",
      "The battery lasts for about nine hours of bright light.",
    ],
    ["How is the lamp cleaned when it is dusty?", "Wipe it with a dry cloth, never with water or soap."],
    ["Who made the lamp and where was that?", "No."],
  ];
  const passages: Pair[] = [
    [
      "",
      "FAQ. How long does the battery of the lamp last? The battery lasts for about nine hours of bright light.",
    ],
    ["", "Care: wipe it with a dry cloth, never with water or soap. Then dry it."],
    ["", "Nothing of it here, nor of anything else that was asked. No."],
  ];
  expect(
    find(asked, passages, "passages").map((one) => one && [one.level, one.hasQuestion, one.hasAnswer]),
  ).toEqual([["exact", true, true], ["exact", false, true], undefined]);
});

test("a conversation is as many exchanges as it has replies", () => {
  const messages = [
    { role: "system", content: "s" },
    { role: "user", content: "q1" },
    { role: "assistant", content: "a1" },
    { role: "user", content: "q2" },
    { role: "assistant", content: "a2" },
  ];
  expect(entriesOf({ messages })).toEqual([
    { question: "q1", answer: "a1" },
    { question: "q2", answer: "a2" },
  ]);
});

/** Sentences of the project's own documents, of nine words and more. */
function sentences(): string[] {
  const root = join(import.meta.dir, "../../..");
  const text = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/decisions/*.md"]
    .flatMap((files) => [...new Bun.Glob(files).scanSync(root)])
    .toSorted()
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
  const all = text.split(/(?<=[.!?:;])\s+|\n/).filter((one) => {
    const words = wordsOf(one);
    return words.length >= 9 && words.length <= 60 && !one.includes("|");
  });
  return [...new Map(all.map((one) => [wordsOf(one).join(" "), one])).values()];
}

const draw = uniform(11);
const word = (text: string): number => Math.floor(draw() * text.split(" ").length);
/** Replaces a share of the words, at least one, by others. */
function edited(text: string, share: number): string {
  const words = text.split(" ");
  for (let n = Math.max(1, Math.round(words.length * share)); n > 0; n--) words[word(text)] = "otherwise";
  return words.join(" ");
}

test("on sentences of the documents: every copy, 99 % of those with a word in 20 or in 10 changed, and few others", () => {
  const all = sentences();
  expect(all.length).toBeGreaterThan(300);
  const trained = all.filter((_, at) => at % 2 === 0);
  const fresh = all.filter((_, at) => at % 2 === 1);
  const some = trained;
  const report = (asked: readonly string[]): number =>
    find(
      asked.map((one): Pair => [one, ""]),
      trained.map((one): Pair => [one, ""]),
    ).filter(Boolean).length / asked.length;
  const laidOut = report(some.map((one) => one.toUpperCase().replaceAll(" ", "\n").replaceAll(",\n", "\n")));
  const oneIn20 = report(some.map((one) => edited(one, 0.05)));
  const oneIn10 = report(some.map((one) => edited(one, 0.1)));
  const within = report(some.map((one) => `Tell me whether this holds. ${one}`));
  const other = report(fresh);
  expect(laidOut).toBe(1);
  expect(oneIn20).toBeGreaterThan(0.97);
  expect(oneIn10).toBeGreaterThan(0.97);
  expect(within).toBeGreaterThan(0.97);
  expect(other).toBeLessThan(0.03);
});
