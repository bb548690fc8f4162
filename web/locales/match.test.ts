// Every sentence of the server is found again from what it became, with its values, and said in the page's language.
import { expect, test } from "bun:test";
import { z } from "zod";
import { librarySentences } from "./libraries.ts";
import { filled, matcherOf, speakerOf } from "./match.ts";
import de from "./server.de.json";
import zh from "./server.zh.json";

const keys = Object.keys(de);
const own = keys.filter((key) => !librarySentences.includes(key));
const match = matcherOf(keys);
const placesOf = (key: string): string[] =>
  [...key.matchAll(/\{\{(\w+)\}\}/g)].map((found) => found[1] ?? "");

test("each sentence with values in it leads back to itself and to them", () => {
  expect(keys.length).toBeGreaterThan(900);
  for (const sample of ["Quelle 7", "(a) b\nc", "31"]) {
    const lost = own.filter((key) => {
      const values = Object.fromEntries(placesOf(key).map((name, at) => [name, `${sample}${at}`]));
      return JSON.stringify(match(filled(key, values))) !== JSON.stringify({ key, values });
    });
    expect({ sample, lost }).toEqual({ sample, lost: [] });
  }
});

test("what the schema library really says is known", () => {
  const shape = z.strictObject({
    name: z.string().min(1).max(5).regex(/^a/).startsWith("a"),
    kind: z.enum(["a", "b"]),
    count: z.number().min(1).max(5).gt(0).lt(9),
    list: z.array(z.literal("x")).min(1),
  });
  const given = [
    { name: "", kind: "c", count: 0, list: [] },
    { name: "bbbbbb", kind: 1, count: 10, list: ["y"], more: 1, other: 2 },
    { name: 1, kind: "a", count: Number.NaN, list: {}, more: 1 },
  ];
  const messages = given.flatMap((one) => shape.safeParse(one).error?.issues.map(({ message }) => message));
  expect(messages.length).toBeGreaterThan(15);
  const library = matcherOf(librarySentences);
  expect(messages.filter((message) => library(message ?? "") === null)).toEqual([]);
});

const german = speakerOf(de, { running: "läuft", base: "Basis" }, new Intl.NumberFormat("de").format);
const chinese = speakerOf(zh, {}, String);

test("a sentence is said in another language with its values, and the sentence inside it too", () => {
  expect(german('There is no model "a {{b}} $& c".')).toBe("Es gibt kein Modell „a {{b}} $& c“.");
  expect(chinese('there is no role "x"')).toBe("没有角色“x”");
  expect(german("a.bin could not be read: a.bin holds no text.")).toBe(
    "a.bin konnte nicht gelesen werden: a.bin enthält keinen Text.",
  );
  expect(german('m is in use: "r" is running.')).toBe("m wird gerade benutzt: „r“ (läuft).");
  expect(german("m is used by base n, other o.")).toBe("m wird von Basis n, other o benutzt.");
  expect(german("Too big: expected number to be <=5")).toBe("Zu groß: number muss <=5 sein");
});

test("numbers that have separators get those of the language", () => {
  const fits = "Fits this machine: needs about 1,234 MiB at int8; 12,345,678 MiB are set aside for models.";
  expect(german(fits)).toContain("1.234 MiB");
  expect(german(fits)).toContain("12.345.678 MiB");
});

test("what is no sentence of the server stays as it is", () => {
  for (const own of ["The sky is blue.", "Quota exceeded for project 5", "support-router-4", ""])
    expect(german(own)).toBe(own);
});
