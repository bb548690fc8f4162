// Labelled questions from files: both forms, and each wrong line named with its reason.
import { expect, test } from "bun:test";
import { readQuestionFile } from "./question-file.ts";

test("CSV lines with the same question are one, with any delimiter and quoted cells", () => {
  const { questions, refused } = readQuestionFile(
    '\uFEFFQuestion;document;grade\n"Who; and when?";a.md;2\n"Who; and when?";b.md;\n\nWhat?;c.md;4\n',
  );
  expect(refused).toEqual([]);
  expect(questions).toEqual([
    {
      line: 2,
      text: "Who; and when?",
      documents: [
        { name: "a.md", grade: 2 },
        { name: "b.md", grade: 1 },
      ],
    },
    { line: expect.any(Number), text: "What?", documents: [{ name: "c.md", grade: 4 }] },
  ]);
});

test("JSONL names several documents, and wrong lines are refused one by one", () => {
  const { questions, refused } = readQuestionFile(
    [
      '{"question": "Who?", "documents": ["a.md", "b.md"], "grade": 3}',
      '{"question": "One?", "document": "a.md"}',
      '{"question": "", "documents": ["a.md"]}',
      '{"question": "None?"}',
      '{"question": "Grade?", "documents": ["a.md"], "grade": 9}',
      "{broken",
      "[1]",
    ].join("\n"),
  );
  expect(questions.map(({ text, documents }) => [text, documents.length])).toEqual([
    ["Who?", 2],
    ["One?", 1],
  ]);
  expect(refused.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7]);
  expect(refused.map(({ message }) => message)).toEqual([
    "`question` is empty",
    "`documents` names nothing that answers it",
    "`grade` must be 1 to 4",
    expect.stringContaining("it cannot be read as JSON"),
    "it cannot be read as JSON: it is no object",
  ]);
});

test("a CSV without the columns says which one is missing", () => {
  expect(readQuestionFile("query,document\nx,y\n")).toEqual({
    questions: [],
    refused: [{ line: 1, message: "there is no column `question`; the first line names the columns" }],
  });
});
