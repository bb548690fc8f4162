// The HTML report: whatever is said in it stays text.
import { expect, test } from "bun:test";
import { uniform } from "../kit/random.ts";
import { escapeHtml, HTML_POLICY } from "./html.ts";

/** What a browser makes of escaped text. */
const asShown = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

test("5,000 random texts come back as they were, with no sign of markup between", () => {
  const next = uniform(11);
  const signs = [
    "<",
    ">",
    "&",
    '"',
    "'",
    "script",
    "/",
    "=",
    "\n",
    "\u202e",
    "\u2066",
    "é",
    "🌳",
    "]]>",
    "<!--",
    "&lt;",
  ];
  for (let at = 0; at < 5_000; at++) {
    const text = Array.from(
      { length: Math.floor(next() * 30) },
      () => signs[Math.floor(next() * signs.length)],
    ).join("");
    const escaped = escapeHtml(text);
    expect(escaped).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
    expect(asShown(escaped)).toBe(text);
  }
});

test("what no HTML may hold is replaced", () => {
  expect(escapeHtml("a\u0000b\u001bc\ud800d\u007f")).toBe("a\ufffdb\ufffdc\ufffdd\ufffd");
  expect(escapeHtml("a\tb\nc")).toBe("a\tb\nc");
});

test("its policy lets nothing in but its own style", () => {
  expect(HTML_POLICY).toStartWith("default-src 'none'; style-src 'sha256-");
  expect(HTML_POLICY).not.toMatch(/unsafe|script-src|https?:|\*/);
});
