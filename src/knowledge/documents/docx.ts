// Reads Word documents: mammoth makes HTML of them, which is read as such.
import { zipSync } from "fflate";
import mammoth from "mammoth";
import type { BlockList } from "./document.ts";
import { readHtml } from "./html.ts";
import type { ZipEntries } from "./zip.ts";

/** Beside mammoth's own, which knows headings by their styles. */
const STYLES = [
  "p[style-name='Title'] => h1:fresh",
  "p[style-name='Subtitle'] => p:fresh",
  ...["Source Code", "Code", "HTML Preformatted", "Plain Text"].map(
    (name) => `p[style-name='${name}'] => pre:separator('\n')`,
  ),
];

/** Only the parts of text are handed on, as they were unpacked within the limits; pictures are not. */
export async function readDocx(entries: ZipEntries, blocks: BlockList): Promise<void> {
  const parts = entries.names().flatMap((name): [string, Uint8Array][] => {
    const bytes = /\.(xml|rels)$/.test(name) ? entries.bytes(name) : null;
    return bytes ? [[name, bytes]] : [];
  });
  const buffer = Buffer.from(zipSync(Object.fromEntries(parts), { level: 0 }));
  const { value } = await mammoth.convertToHtml(
    { buffer },
    {
      styleMap: STYLES,
      includeEmbeddedStyleMap: false,
      externalFileAccess: false,
      convertImage: mammoth.images.imgElement(async () => ({ src: "" })),
    },
  );
  readHtml(value, blocks.name, blocks);
}
