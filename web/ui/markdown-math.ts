// Mathematics as models write it, \( \), \[ \] and single dollars, in the marks that the Markdown reader knows.

/** Code and what it holds stay as they are. */
const CODE = /(```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]*`)/;

/** Whether a text may have code or mathematics to draw. */
export function isRich(text: string): boolean {
  return /```|~~~|\$|\\\(|\\\[/.test(text);
}

/** The text with what is outside code changed. */
export function outsideCode(text: string, change: (part: string) => string): string {
  return text
    .split(CODE)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join("");
}

/**
 * Double dollars for every formula outside code. A single dollar opens one only before a character that is no space, and
 * closes it only after one and before no digit, as pandoc has it: "$5 and $10" is money.
 */
export function withMathMarks(text: string): string {
  return outsideCode(text, marked);
}

function marked(text: string): string {
  const block = (_: string, body: string): string => `\n$$\n${body.trim()}\n$$\n`;
  const inline = (_: string, body: string): string => `$$${body}$$`;
  return text
    .replaceAll(/\\\[([\s\S]+?)\\\]/g, block)
    .replaceAll(/^[ \t]*\$\$([^\n$]+)\$\$[ \t]*$/gm, block)
    .replaceAll(/\\\((.+?)\\\)/g, inline)
    .replaceAll(/(?<![\\$\w])\$(?![\s$])([^$\n]*[^\s$\\])\$(?![\d$])/g, inline);
}
