// Graders out of files.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withFile } from "./grader-file.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-graders-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("code and schemas are read from their file, and what is no file is passed on", async () => {
  const path = join(folder, "my grader.js");
  writeFileSync(path, "// é\nreturn 1\n");
  expect(await withFile(`javascript:@${path}`)).toBe("javascript:// é\nreturn 1\n");
  expect(await withFile(`json-schema: @${path} `)).toBe("json-schema:// é\nreturn 1\n");
  for (const grader of ["regex:@a", "exact", "javascript:answer === '@x'", 'json-schema:{"const":"@x"}'])
    expect(await withFile(grader)).toBe(grader);
  expect(withFile(`javascript:@${folder}/none.js`)).rejects.toThrow("there is no file");
});
