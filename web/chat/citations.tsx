// The passages that a reply was made from: numbered marks in its words, and their sources under it.
import { t } from "../i18n.ts";
import { outsideCode } from "../ui/markdown-math.ts";
import type { Cited } from "./column.ts";

/** The document at the passage. */
function pathOf({ knowledgeBaseId, documentId, chunkId }: Cited): string {
  return `/knowledge/${knowledgeBaseId}/documents/${documentId}?chunk=${encodeURIComponent(chunkId)}`;
}

/** The text with each [n] that names a citation as a link to its passage. */
export function withLinks(text: string, citations: readonly Cited[]): string {
  return outsideCode(text, (part) =>
    part.replaceAll(/\[(\d+)\](?!\(|:)/g, (mark, number: string) => {
      const cited = citations.find((one) => one.number === Number(number));
      return cited ? `[\\[${number}\\]](${pathOf(cited)})` : mark;
    }),
  );
}

export function Sources(props: { citations: readonly Cited[] }) {
  if (props.citations.length === 0) return null;
  return (
    <ol className="e-sources" aria-label={t("Sources")}>
      {props.citations.map((cited) => (
        <li key={cited.number}>
          <a href={pathOf(cited)} target="_blank" rel="noopener" title={cited.text}>
            {`${cited.number} · ${cited.document}`}
            {cited.page === null ? "" : `, ${t("page {{page}}", { page: cited.page })}`}
          </a>
        </li>
      ))}
    </ol>
  );
}
