// The roles that the UI names for what is disabled are those of the server's table.
import { expect, test } from "bun:test";
import { allScopes, roleFor } from "../../src/accounts/accounts.ts";
import { roleOfScope } from "./viewer.tsx";

test("each scope names the least role that has it", () => {
  expect(Object.entries(roleOfScope)).toEqual(allScopes.map((scope) => [scope, roleFor(scope)]));
});
