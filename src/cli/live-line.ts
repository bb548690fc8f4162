// One line of a terminal that is written again and again: cut to the terminal's width, so that it never wraps.
import type { TextSink } from "./verbs.ts";

export type LiveLine = {
  /** Writes the line anew; `text` gets the columns that it has. */
  show(text: (columns: number) => string): void;
  /** Leaves the line as it stands and goes to the next. */
  end(): void;
};

/** Of a terminal that does not say how wide it is. */
const COLUMNS = 80;

/** The line, or null where there is no terminal to write it to. */
export function createLiveLine(out: TextSink): LiveLine | null {
  if (out.isTTY !== true) return null;
  let shown = "";
  return {
    show(text) {
      // The last column stays free: some terminals wrap as soon as it is filled.
      const columns = (out.columns || COLUMNS) - 1;
      const line = fit(text(columns), columns);
      if (line === shown) return;
      out.write(`\r${line}\x1b[K`);
      shown = line;
    },
    end() {
      if (shown !== "") out.write("\n");
      shown = "";
    },
  };
}

/** The text cut to at most so many columns, with … where something is missing. */
export function fit(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  let kept = "";
  for (const character of text) {
    if (Bun.stringWidth(kept + character) > columns - 1) break;
    kept += character;
  }
  return columns > 0 ? `${kept}…` : "";
}
