// What draws code in colours and mathematics as it is written by hand; a file of its own, since most texts have neither.
import "katex/dist/katex.min.css";
import rehypeHighlight from "rehype-highlight";
import rehypeKatex from "rehype-katex";
import remarkMath from "remark-math";
import type { Rich } from "./markdown.tsx";

export const rich: Rich = {
  // A single dollar is money; withMathMarks doubles those that are not.
  remark: [[remarkMath, { singleDollarTextMath: false }]],
  rehype: [
    // Nothing that a formula says may load, link or grow without end.
    [
      rehypeKatex,
      { trust: false, strict: "ignore", maxExpand: 200, maxSize: 20, errorColor: "var(--e-red)" },
    ],
    [rehypeHighlight, { detect: false }],
  ],
};
