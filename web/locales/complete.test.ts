// A translation is whole: every key in every plural form, the key's own placeholders, nothing left over.
import { expect, test } from "bun:test";
import { spokenOf } from "../language.ts";
import { faultsOf, wantedKeys } from "./complete.ts";
import de from "./de.json";
import en from "./en.json";
import zh from "./zh.json";

const keys = ["Save", "{{name}} is done", "{{count}} rows"];
const german = {
  Save: "Speichern",
  "{{name}} is done": "{{name}} ist fertig",
  "{{count}} rows_one": "{{count}} Zeile",
  "{{count}} rows_other": "{{count}} Zeilen",
};

test("what is whole has no fault", () => {
  expect(faultsOf(german, keys, "de")).toEqual([]);
});

test("what is missing, left over, or without its placeholder is named", () => {
  expect(faultsOf({ ...german, Save: "" }, keys, "de")).toEqual(["missing: Save"]);
  expect(faultsOf({ ...german, Old: "Alt" }, keys, "de")).toEqual(["left over: Old"]);
  expect(faultsOf({ ...german, "{{name}} is done": "{{nam}} ist fertig" }, keys, "de")).toEqual([
    "other placeholders: {{name}} is done: {{nam}} ist fertig",
  ]);
});

test("each language has its own plural forms", () => {
  expect(wantedKeys(["{{count}} rows"], "de")).toEqual(["{{count}} rows_one", "{{count}} rows_other"]);
  expect(wantedKeys(["{{count}} rows"], "zh")).toEqual(["{{count}} rows_other"]);
  expect(faultsOf(german, keys, "zh")).toEqual(["left over: {{count}} rows_one"]);
});

test("German and Chinese say what English says", () => {
  const source = new Set(Object.keys(en).map((key) => key.replace(/(\{\{count\}\}.*)_(?:one|other)$/, "$1")));
  expect(source.size).toBeGreaterThan(850);
  expect(faultsOf(en, source, "en")).toEqual([]);
  expect(faultsOf(de, source, "de")).toEqual([]);
  expect(faultsOf(zh, source, "zh")).toEqual([]);
});

test("the browser's first language that the UI speaks is taken, else English", () => {
  expect(spokenOf(["fr-FR", "de-AT", "en"])).toBe("DE");
  expect(spokenOf(["zh-CN"])).toBe("ZH");
  expect(spokenOf(["fr", "system"])).toBe("EN");
});
