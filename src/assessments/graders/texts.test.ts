// Normalised answers: as SQuAD compares them, and with letters beyond ASCII.
import { expect, test } from "bun:test";
import { foldCase, normaliseAnswer } from "./texts.ts";

test("case, punctuation, articles and spaces do not count", () => {
  expect(normaliseAnswer("  The  Eiffel\tTower!! ")).toBe("eiffel tower");
  expect(normaliseAnswer("a well-known, (rather) $5 'fact'")).toBe("wellknown rather 5 fact");
  expect(normaliseAnswer("An apple and THE pear")).toBe("apple and pear");
  expect(normaliseAnswer("“Quoted” – „deutsch“。")).toBe("quoted deutsch");
  expect(normaliseAnswer("anthem theatre")).toBe("anthem theatre");
});

test("an article ends at a letter of any script", () => {
  expect(normaliseAnswer("caña")).toBe("caña");
  expect(normaliseAnswer("la año")).toBe("la año");
});

test("an article alone is an answer", () => {
  expect(normaliseAnswer("A.")).toBe("a");
  expect(normaliseAnswer("A")).not.toBe(normaliseAnswer("The"));
  expect(normaliseAnswer("?!")).toBe("");
});

test("compatible and composed forms are one", () => {
  expect(normaliseAnswer("４２ ｋｇ")).toBe("42 kg");
  expect(normaliseAnswer("ﬁle")).toBe("file");
  expect(normaliseAnswer("cafe\u0301")).toBe(normaliseAnswer("CAF\u00c9"));
  expect(normaliseAnswer("a\u00a0b\u3000c")).toBe("b c");
});

test("case folds as in Unicode, and the Turkish dotless i stays itself", () => {
  expect(foldCase("STRASSE")).toBe(foldCase("straße"));
  expect(foldCase("ẞ")).toBe("ss");
  expect(foldCase("ΟΔΟΣ")).toBe(foldCase("οδοσ"));
  expect(foldCase("ISTANBUL")).toBe("istanbul");
  expect(foldCase("ı")).toBe("ı");
  expect(foldCase("İ")).toBe("i\u0307");
  expect(foldCase("İzmir")).not.toBe(foldCase("Izmir"));
});
