// Reads Markdown as blocks: each keeps its source, so that emphasis and links stay readable.
import { lexer, type Token, type Tokens } from "marked";
import { type BlockList, cleanText } from "./document.ts";
import { readHtml } from "./html.ts";

const FRONT_MATTER = /^---\n([\s\S]{0,20000}?)\n---\n/;

/** The title that its front matter gives. */
export function readMarkdown(text: string, path: string, blocks: BlockList): string | null {
  const clean = cleanText(text);
  const front = FRONT_MATTER.exec(clean);
  for (const token of lexer(clean.slice(front?.[0].length ?? 0))) readToken(token, path, blocks);
  const title = /^title\s*:\s*(.+)$/m.exec(front?.[1] ?? "")?.[1];
  return title?.trim().replace(/^(["'])(.*)\1$/, "$2") ?? null;
}

function readToken(token: Token, path: string, blocks: BlockList): void {
  if (isA(token, "heading")) blocks.heading(token.depth, plain(token.tokens, token.text));
  else if (isA(token, "code")) blocks.add("code", token.text);
  else if (isA(token, "list")) blocks.add("list", token.raw);
  else if (isA(token, "table"))
    blocks.table([token.header, ...token.rows].map((row) => row.map((cell) => cell.text)));
  else if (isA(token, "html")) readHtml(token.text, path, blocks);
  else if (isA(token, "blockquote")) for (const inner of token.tokens) readToken(inner, path, blocks);
  else if (isA(token, "paragraph") || isA(token, "text")) blocks.add("paragraph", token.text);
}

type Known = {
  heading: Tokens.Heading;
  code: Tokens.Code;
  list: Tokens.List;
  table: Tokens.Table;
  html: Tokens.HTML;
  blockquote: Tokens.Blockquote;
  paragraph: Tokens.Paragraph;
  text: Tokens.Text;
};
const isA = <K extends keyof Known>(token: Token, type: K): token is Known[K] & Token => token.type === type;

/** A heading without its marks: it stands in trails. */
function plain(tokens: readonly Token[], text: string): string {
  const words = tokens.map((token) =>
    "tokens" in token && token.tokens && token.tokens.length > 0
      ? plain(token.tokens, token.raw)
      : "text" in token
        ? String(token.text)
        : token.raw,
  );
  return words.length > 0 ? words.join("") : text;
}
