// Follow-up questions: which messages lean on earlier ones, what is looked up for them, and how the lists join.
import { expect, test } from "bun:test";
import { isFollowUp, joinPassages, lookupsOf } from "./follow-up.ts";
import type { Passage } from "./retrieval.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

test.each([
  ["And when is it harvested?", true],
  ["Why?", true],
  ["What about quinces?", true],
  ["Wie lange dauert das bei diesen?", true],
  ["它什么时候修剪？", true],
  ["How often are apple trees pruned in winter?", false],
  ["Welche Frist gilt für die Kündigung eines Mietvertrags?", false],
])("%s leans on what was said before: %p", (text, isLeaning) => {
  expect(isFollowUp(text)).toBe(isLeaning);
});

test("a follow-up is looked up by itself and with the question that it leans on", () => {
  const first = "How often are apple trees pruned in winter?";
  expect(lookupsOf([user(first)])).toEqual([first]);
  expect(lookupsOf([user("Why?")])).toEqual(["Why?"]);
  expect(lookupsOf([user(first), assistant("Once."), user("And pears?")])).toEqual([
    "And pears?",
    `${first}\nAnd pears?`,
  ]);
  // One follow-up after the other reaches back to what says something by itself.
  const chain = [user("Old matters are not looked up again."), user(first), user("And pears?"), user("Why?")];
  expect(lookupsOf(chain)).toEqual(["Why?", `${first}\nAnd pears?\nWhy?`]);
  const other = "Which warranty covers the washing machine?";
  expect(lookupsOf([user(first), assistant("Once."), user(other)])).toEqual([other]);
});

test("passages that both lookups found come first, and none twice", () => {
  const passage = (chunkId: string) => ({ chunkId }) as Passage;
  const [a, b, c, d] = ["a", "b", "c", "d"].map(passage) as [Passage, Passage, Passage, Passage];
  expect(
    joinPassages([
      [a, b],
      [c, b, d],
    ]),
  ).toEqual([b, a, c]);
  expect(joinPassages([[], [c]])).toEqual([c]);
  expect(joinPassages([[], []])).toEqual([]);
});
