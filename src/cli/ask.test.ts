// The question before what cannot be undone: who is asked, what counts as yes, and that a script is never held up.
import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { confirmed } from "./ask.ts";

async function answering(line: string | null, flags: { yes?: boolean } = {}, isJson = false, isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  let asked = "";
  const stderr = {
    isTTY,
    write: (text: string): void => {
      asked += text;
    },
  };
  if (line === null) input.end();
  else input.write(line);
  const code = await confirmed({ isJson, stderr }, "Retire pet for good?", flags, input).then(
    () => "done",
    (error: { code: string }) => error.code,
  );
  return [code, asked];
}

test("only a plain yes at the terminal goes on", async () => {
  const question = "Retire pet for good? [y/N] ";
  for (const yes of ["y\n", "Yes\n"]) expect(await answering(yes)).toEqual(["done", question]);
  for (const no of ["\n", "n\n", "yep\n", null])
    expect(await answering(no)).toEqual(["NOT_CONFIRMED", question]);
});

test("--yes, --json and a script are not asked", async () => {
  expect(await answering(null, { yes: true })).toEqual(["done", ""]);
  expect(await answering(null, {}, true)).toEqual(["done", ""]);
  expect(await answering(null, {}, false, false)).toEqual(["done", ""]);
});
