// Marks in a reply become links to the passages that it was made from; what is no citation stays as it is.
import { expect, test } from "bun:test";
import { withLinks } from "./citations.tsx";

const cited = {
  number: 1,
  document: "a.md",
  documentId: "doc_1",
  knowledgeBaseId: "kb_1",
  chunkId: "chk/1",
  text: "t",
  page: null,
};

test.each([
  ["So it is [1].", "So it is [\\[1\\]](/knowledge/kb_1/documents/doc_1?chunk=chk%2F1)."],
  ["No such [2].", "No such [2]."],
  ["`list[1]` stays", "`list[1]` stays"],
  ["[1](https://example.com)", "[1](https://example.com)"],
])("%j", (text, wanted) => {
  expect(withLinks(text, [cited])).toBe(wanted);
});
