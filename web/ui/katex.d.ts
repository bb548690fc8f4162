// The styles of mathematics are imported for what they do, and export nothing.
declare module "katex/dist/katex.min.css";
