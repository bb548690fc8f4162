// Which language the page is in: the one chosen in this browser, else the browser's own where we speak it, else English.
import { z } from "zod";

/** Each with its name in itself and the tag that `<html lang>` and Intl take. */
export const languageTable = {
  EN: { name: "English", tag: "en" },
  DE: { name: "Deutsch", tag: "de" },
  ZH: { name: "中文", tag: "zh-Hans" },
} as const;
const choices = z.enum(["SYSTEM", "EN", "DE", "ZH"]);
export type Choice = z.infer<typeof choices>;
type Spoken = Exclude<Choice, "SYSTEM">;

const place = "espalier-language";

/** What somebody chose in this browser; "SYSTEM" before they did. Unit tests have no browser. */
export const chosen: Choice = choices.catch("SYSTEM").parse(globalThis.localStorage?.getItem(place));

/** The first of the languages, as `navigator.languages` names them, that the UI speaks. */
export function spokenOf(wanted: readonly string[]): Spoken {
  for (const tag of wanted) {
    const found = choices.exclude(["SYSTEM"]).safeParse(tag.split("-")[0]?.toUpperCase());
    if (found.success) return found.data;
  }
  return "EN";
}

/** What the page is in for its whole life. */
export const language: Spoken =
  chosen === "SYSTEM" ? spokenOf(globalThis.document ? navigator.languages : []) : chosen;

/** Keeps the choice in this browser and shows the page in it at once; address and sign-in stay. */
export function switchLanguage(choice: Choice): void {
  localStorage.setItem(place, choice);
  location.reload();
}
