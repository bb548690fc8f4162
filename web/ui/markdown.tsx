// Markdown from outside, sanitised: replies of models and the READMEs of base models.
import { CopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { type ComponentProps, memo, useDeferredValue, useEffect, useState } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import { t } from "../i18n.ts";
import { reachable } from "./bits.tsx";
import { isRich, withMathMarks } from "./markdown-math.ts";

type Plugins = NonNullable<Options["rehypePlugins"]>;
/** What draws code and mathematics; it comes only when a text has some. */
export type Rich = { remark: Plugins; rehype: Plugins };
type Element = ComponentProps<NonNullable<Exclude<Components["pre"], string>>>["node"];

const schema = {
  ...defaultSchema,
  attributes: {
    ...defaultSchema.attributes,
    code: [["className", /^language-./, "math-inline", "math-display"] as [string, ...(string | RegExp)[]]],
  },
};

let loaded: Rich | null = null;

/** The plugins for code and mathematics once they are here, null before. */
function useRich(isWanted: boolean): Rich | null {
  const [rich, setRich] = useState(loaded);
  useEffect(() => {
    if (!isWanted || rich) return;
    let isCurrent = true;
    // Without them the text is still all there, only plain.
    import("./markdown-rich.ts").then(
      ({ rich: found }) => {
        loaded = found;
        if (isCurrent) setRich(found);
      },
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [isWanted, rich]);
  return rich;
}

function textOf(node: unknown): string {
  if (typeof node !== "object" || node === null) return "";
  if ("value" in node && typeof node.value === "string") return node.value;
  return "children" in node && Array.isArray(node.children) ? node.children.map(textOf).join("") : "";
}

function languageOf(node: Element): string {
  const [code] = node?.children ?? [];
  const names = code?.type === "element" ? code.properties.className : undefined;
  const name = Array.isArray(names) ? names.find((one) => String(one).startsWith("language-")) : undefined;
  return String(name ?? "").replace("language-", "");
}

const components: Components = {
  pre: ({ node, ...rest }) => (
    <div className="e-code-block">
      <div>
        <span>{languageOf(node)}</span>
        <CopyButton value={textOf(node)}>
          {({ copied, copy }) => (
            <button type="button" onClick={copy} aria-label={t("Copy the code")}>
              {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            </button>
          )}
        </CopyButton>
      </div>
      <pre {...rest} {...reachable} />
    </div>
  ),
  table: ({ node: _, ...rest }) => (
    <section className="e-markdown-table" aria-label={t("Table")} {...reachable}>
      <table {...rest} />
    </section>
  ),
  a: ({ node: _, ...rest }) => <a {...rest} target="_blank" rel="noopener noreferrer nofollow" />,
  // A picture from elsewhere would tell that host who reads what, so it is only named.
  img: ({ src, alt }) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noopener noreferrer nofollow">
      {t("Picture: {{alt}}", { alt: alt || t("without a description") })}
    </a>
  ),
};

/** The text drawn with `rich`. Sanitised before anything else touches it: what comes after is made by us. */
export const MarkdownBody = memo(function MarkdownBody(props: { text: string; rich: Rich | null }) {
  const { rich } = props;
  return (
    <ReactMarkdown
      remarkPlugins={[remarkGfm, ...(rich?.remark ?? [])]}
      rehypePlugins={[[rehypeSanitize, schema], ...(rich?.rehype ?? [])]}
      components={components}
    >
      {rich ? withMathMarks(props.text) : props.text}
    </ReactMarkdown>
  );
});

export function Markdown(props: { text: string; isGrowing?: boolean }) {
  // While a reply streams, typing and scrolling go before drawing its latest words; a whole one stands there whole.
  const deferred = useDeferredValue(props.text);
  const text = props.isGrowing ? deferred : props.text;
  const rich = useRich(isRich(text));
  return (
    <div className="e-markdown">
      <MarkdownBody text={text} rich={rich} />
    </div>
  );
}
