import { describe, expect, test } from "bun:test";
import { readVerdict } from "./verdict.ts";

describe("a verdict is read", () => {
  test.each([
    ["direct", '{"reason": "right", "score": 5}', 1],
    ["direct", '{"score": 1}', 0],
    ["direct", 'Sure.\n```json\n{"reason": "half {of} it", "score": 3}\n```', 0.5],
    ["direct", '<think>{"score": 1} or {"score": 2}?</think>{"score": 4, "reason": null}', 0.75],
    ["pairwise", '{"reason": "A is right", "verdict": "A"}', 1],
    ["pairwise", '{"verdict":"B"}', 0],
    ["pairwise", '{"verdict":"tie","reason":"\\"verdict\\": \\"A\\""}', 0.5],
    ["pairwise", 'Das Urteil: {"reason": "A ist falsch", "verdict": "B"}', 0],
    ["pairwise", '{"verdict":"A","other":{"verdict":"B"}}', 1],
  ] as const)("%s %s", (mode, reply, value) => {
    expect(readVerdict(mode, reply).value).toBe(value);
  });
});

describe("what is no verdict is not guessed at", () => {
  test.each([
    ["pairwise", "", "empty"],
    ["pairwise", "A", "no JSON object"],
    ["pairwise", "Answer A is better.", "no JSON object"],
    ["pairwise", "Antwort B ist besser, eindeutig.", "no JSON object"],
    ["pairwise", '{"verdict":"A"} {"verdict":"B"}', "2 JSON objects"],
    ["pairwise", '{"verdict":"A"}\n{"verdict":"A"}', "2 JSON objects"],
    ["pairwise", '{"verdict":"A","verdict":"B"}', "more than once"],
    ["pairwise", '{"verd\\u0069ct":"A","verdict":"B"}', "more than once"],
    ["pairwise", '{"verdict":"A or B"}', "none of A, B and tie"],
    ["pairwise", '{"urteil":"A"}', "none of A, B and tie"],
    ["pairwise", '{"verdict":["A"]}', "none of A, B and tie"],
    ["pairwise", '{"verdict":"A"', "JSON"],
    ["direct", '{"score": 6}', "whole number from 1 to 5"],
    ["direct", '{"score": 4.5}', "whole number from 1 to 5"],
    ["direct", '{"score": "5"}', "whole number from 1 to 5"],
    ["direct", '{"score": 0}', "whole number from 1 to 5"],
    ["direct", '[{"score": 5}, {"score": 5}]', "2 JSON objects"],
    ["direct", '<think>{"score": 5}</think>', "empty"],
  ] as const)("%s %s", (mode, reply, why) => {
    const { value, reason } = readVerdict(mode, reply);
    expect(value).toBeNull();
    expect(reason).toContain(why);
  });
});
