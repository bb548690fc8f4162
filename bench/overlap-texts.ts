// Texts on which no threshold of the check for trained rows was chosen, by whom they come from; and small changes to them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { wordsOf } from "../src/assessments/overlap/words.ts";
import { readAbstracts, readQuestions } from "../test/cranfield.ts";

export type Half = "tuning" | "heldOut";
/** A question with its answer; empty where the source has none. */
export type Sample = { text: string; answer: string };
export type TextSource = { name: string; half: Half; samples: Sample[] };

const root = join(import.meta.dir, "..");
const DATA = join(root, "../shared/data");
const read = (name: string): string => readFileSync(join(DATA, name), "utf8");

const plain = (texts: readonly string[]): Sample[] => texts.map((text) => ({ text, answer: "" }));
const sentences = (text: string): string[] =>
  text
    .replace(/\s+/g, " ")
    .split(/(?<=[.!?])\s+/)
    .map((one) => one.trim());

function alpaca(): Sample[] {
  const row = z.object({ instruction: z.string(), input: z.string(), output: z.string() });
  return z
    .array(row)
    .parse(JSON.parse(read("alpaca_en_demo.json")))
    .map(({ instruction, input, output }) => ({ text: `${instruction}\n${input}`.trim(), answer: output }));
}

function maths(): Sample[] {
  const row = z.object({ question: z.string(), answer: z.string() });
  return read("gsm8k-train-2000.jsonl")
    .trim()
    .split("\n")
    .map((line) => row.parse(JSON.parse(line)))
    .map(({ question, answer }) => ({ text: question, answer }));
}

/** The first thing that somebody asks in each conversation. */
function conversations(name: string): Sample[] {
  const turn = z.object({ from: z.string(), value: z.string() });
  const said = z.object({ role: z.string(), content: z.string() });
  const row = z.union([
    z.object({ conversations: z.array(turn), chosen: turn.optional() }),
    z.object({ messages: z.array(said) }),
  ]);
  return z
    .array(row)
    .parse(JSON.parse(read(name)))
    .map((one) =>
      "messages" in one
        ? one.messages.filter(({ role }) => role !== "system").map(({ content }) => content)
        : [...one.conversations, ...(one.chosen ? [one.chosen] : [])].map(({ value }) => value),
    )
    .map(([text = "", answer = ""]) => ({ text, answer }));
}

/** Fields of a CSV file's lines; quoted ones may hold commas and doubled quotes. */
function truths(): Sample[] {
  return read("truthfulqa.csv")
    .split(/\r?\n/)
    .slice(1)
    .map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)])
    .map((fields) => fields.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? ""))
    .map(([, , text = "", answer = ""]) => ({ text, answer }));
}

/** Sentences that stand in the read-me files of the packages that this project uses; those under one name are all in one half. */
function readMes(half: Half): Sample[] {
  const owners = new Map<string, string[]>();
  const folders = join(root, "node_modules");
  const paths = ["*", "@*/*"].flatMap((at) => [
    ...new Bun.Glob(`${at}/{README,readme,Readme}.md`).scanSync(folders),
  ]);
  for (const path of paths) {
    const owner = path.split("/")[0] ?? "";
    owners.set(owner, [...(owners.get(owner) ?? []), path]);
  }
  return plain(
    [...owners.keys()].toSorted().flatMap((owner, at) => {
      if ((at % 2 === 0) !== (half === "tuning")) return [];
      const text = (owners.get(owner) ?? [])
        .toSorted()
        .map((path) => readFileSync(join(folders, path), "utf8"))
        .join("\n");
      return text
        .replace(/```[\s\S]*?```|<!--[\s\S]*?-->|<[^>]+>/g, "\n")
        .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
        .split("\n")
        .filter((line) => !/https?:|\||^\s*#|^ {4}/.test(line))
        .flatMap(sentences)
        .filter((one) => /^[-*\s]*[A-Z].*[.!?:]$/.test(one))
        .slice(0, 12);
    }),
  );
}

/** All there is; equal texts count once. The halves share no source; of packages, some authors keep many names. */
export function readSources(most: number): TextSource[] {
  if (!existsSync(join(DATA, "truthfulqa.csv")))
    throw new Error(`This needs the folder shared/data beside the repository: ${DATA}`);
  const all: [string, Half, Sample[]][] = [
    ["Alpaca's instructions", "tuning", alpaca()],
    ["GSM8K", "tuning", maths()],
    ["first turns, preferences", "tuning", conversations("dpo_en_demo.json")],
    ["sentences of Cranfield's abstracts", "tuning", plain([...readAbstracts().values()].flatMap(sentences))],
    ["read-me files, every other owner", "tuning", readMes("tuning")],
    ["TruthfulQA", "heldOut", truths()],
    ["first turns, tool calls", "heldOut", conversations("glaive_toolcall_en_demo.json")],
    ["first turns, labelled", "heldOut", conversations("kto_en_demo.json")],
    ["Cranfield's questions", "heldOut", plain(readQuestions().map(({ text }) => text))],
    ["read-me files, the other owners", "heldOut", readMes("heldOut")],
  ];
  return all.map(([name, half, samples]) => {
    const different = new Map(samples.map((one) => [wordsOf(one.text).join(" "), one]));
    const usable = [...different].filter(([words]) => words.split(" ").length >= 4).map(([, one]) => one);
    // Evenly over the whole, so that no part of a source is preferred.
    const step = Math.max(1, usable.length / most);
    const some = Array.from(
      { length: Math.min(most, usable.length) },
      (_, at) => usable[Math.floor(at * step)],
    );
    return { name, half, samples: some.flatMap((one) => (one ? [one] : [])) };
  });
}

/** A number from 0 up to, not including, 1. */
export type Draw = () => number;
const pick = <T>(draw: Draw, from: readonly T[]): T | undefined => from[Math.floor(draw() * from.length)];

/** Replaces a share of the words, at least one, by words of other texts; figures stay, which are measured apart. */
function replaced(text: string, share: number, others: readonly string[], draw: Draw): string {
  const parts = text.split(/(\s+)/);
  const places = parts.flatMap((part, at) => (/\p{L}/u.test(part) && !/\d/.test(part) ? [at] : []));
  const wanted = Math.min(places.length, Math.max(1, Math.round(places.length * share)));
  for (let n = 0; n < wanted; n++) {
    const [at = 0] = places.splice(Math.floor(draw() * places.length), 1);
    const old = parts[at] ?? "";
    const fresh = pick(draw, others) ?? "";
    if (fresh === old.toLowerCase()) n--;
    else parts[at] = old.replace(/[\p{L}\p{M}'’-]+/u, fresh);
    if (fresh === old.toLowerCase()) places.push(at);
  }
  return parts.join("");
}

/** Two neighbouring letters within a word change places. */
function mistyped(text: string, draw: Draw): string | null {
  const places = [...text.matchAll(/(?<=\p{L})(\p{Ll})(?!\1)(?=\p{Ll})/gu)].map(({ index }) => index);
  const at = pick(draw, places);
  if (at === undefined) return null;
  return `${text.slice(0, at)}${text[at + 1]}${text[at]}${text.slice(at + 2)}`;
}

/** A word that carries little goes. */
function thinned(text: string, draw: Draw): string | null {
  const places = [...text.matchAll(/\b(the|an?|of|to|in|for|is|are|do|does|that|with|on|and)\s+/gi)];
  const place = pick(draw, places);
  return place ? text.slice(0, place.index) + text.slice(place.index + place[0].length) : null;
}

const BEFORE = [
  "Please answer the following question.",
  "I would like to know something:",
  "Quick one for you today.",
  "You are a helpful assistant who gives short answers.",
  "Question from a customer:",
  "Think step by step.",
];
const AFTER = [
  "Thank you very much in advance!",
  "Answer in one sentence.",
  "Explain how you got there.",
  "I need this by tomorrow.",
];
const WRAPPED: ((text: string) => string)[] = [
  (text) => `<p>${text}</p>`,
  (text) => `<div class="question"><strong>${text}</strong></div>`,
  (text) => `**${text}**`,
  (text) => `> ${text.replaceAll("\n", "\n> ")}`,
  (text) => `### Question\n\n- ${text}`,
];

/** What is done to a text that was trained on before it is asked; null where it does not apply. */
export const EDITS: Record<string, (text: string, draw: Draw, others: readonly string[]) => string | null> = {
  layout: (text, draw) => {
    const bare = text.replace(/(?<!\d)[.,;:!?"]+|[.,;:!?"]+(?!\d)/g, " ").replaceAll(" ", "  ");
    return draw() < 0.5 ? bare.toUpperCase() : bare.toLowerCase().replaceAll("  ", "\n");
  },
  "one word in 20": (text, draw, others) => replaced(text, 0.05, others, draw),
  "one word in 10": (text, draw, others) => replaced(text, 0.1, others, draw),
  "two letters swapped": mistyped,
  "a small word left out": thinned,
  "sentences swapped": (text) => {
    const all = sentences(text);
    return all.length < 2 ? null : all.toReversed().join(" ");
  },
  "words before": (text, draw) => `${pick(draw, BEFORE)} ${text}`,
  "words after": (text, draw) => `${text} ${pick(draw, AFTER)}`,
  "HTML or Markdown": (text, draw) => pick(draw, WRAPPED)?.(text) ?? null,
  "other numbers": (text, draw) =>
    /\d/.test(text)
      ? text.replace(/\d+/g, (digits) => String(Number(digits) + 1 + Math.floor(draw() * 8)))
      : null,
};

const pairsShape = z.object({
  domains: z.record(z.string(), z.array(z.tuple([z.string(), z.string(), z.string()]))),
});
/** Questions, each in other words, and another in nearly its words; a domain is all in one half. */
export function readPairs(half: Half): { question: string; same: string; other: string }[] {
  const { domains } = pairsShape.parse(
    JSON.parse(readFileSync(join(import.meta.dir, "overlap-pairs.json"), "utf8")),
  );
  return Object.values(domains)
    .filter((_, at) => (at % 2 === 0) === (half === "tuning"))
    .flat()
    .map(([question, same, other]) => ({ question, same, other }));
}
