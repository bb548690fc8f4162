// Markdown from outside, sanitised: replies of models and the READMEs of base models.
import ReactMarkdown from "react-markdown";
import rehypeSanitize from "rehype-sanitize";
import remarkGfm from "remark-gfm";

export function Markdown(props: { text: string }) {
  return (
    <div className="e-markdown">
      <ReactMarkdown remarkPlugins={[remarkGfm]} rehypePlugins={[rehypeSanitize]}>
        {props.text}
      </ReactMarkdown>
    </div>
  );
}
