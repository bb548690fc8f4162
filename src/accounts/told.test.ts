// What others do to people and projects is told: who looks after a project hears of who joins, a person of a new role.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOutbound } from "../inference/remote/outbound.ts";
import { createLog } from "../kit/log.ts";
import { createNotifications } from "../notifications/notifications.ts";
import { createRuns } from "../runs/runs.ts";
import { createSecrets } from "../store/secrets.ts";
import { openStore } from "../store/store.ts";
import { createAccounts, sessionCookie } from "./accounts.ts";

test("an invitation that is taken is told to the admins, a changed role to the person", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "espalier-told-"));
  const log = createLog({ level: "silent" });
  const store = await openStore({ dataDir, log });
  const clock = () => 1_000;
  const runs = createRuns({ store, clock, log });
  const secrets = createSecrets({ dataDir });
  const notifications = createNotifications({
    store,
    runs,
    clock,
    log,
    secrets,
    outbound: createOutbound({ clock }),
  });
  const accounts = createAccounts({ store, clock, notifications });
  const token = (await accounts.ensureSetup()) ?? "";
  const password = "correct horse";
  const asPerson = async (session: { token: string }) => {
    const headers = { cookie: `${sessionCookie}=${session.token}` };
    const principal = await accounts.authenticate(new Request("http://x/", { headers }));
    if (!principal) throw new Error("not signed in");
    return principal;
  };
  const owner = await asPerson(await accounts.setup({ token, name: "ada", password, userAgent: "" }));
  const invited = await accounts.invitePerson(owner, { role: "viewer", note: "" });
  const bob = await asPerson(
    await accounts.acceptAsNew({ token: invited.token, name: "bob", password, userAgent: "" }),
  );
  const heard = async (recipientId: string | null) =>
    (
      await notifications.page({ recipientId: recipientId ?? "", projectId: owner.projectId }, false, {})
    ).items.map(({ kind, about: { name, role, by } }) => [kind, name, role, by]);
  expect(await heard(owner.userId)).toEqual([["member-joined", "bob", "viewer", undefined]]);
  expect(await heard(bob.userId)).toEqual([]);
  const { items } = await accounts.pageOfPeople(owner.projectId, {});
  const membership = items.find(({ userId }) => userId === bob.userId)?.id ?? "";
  await accounts.changeRole(owner, membership, "member");
  // The same role again is no news.
  await accounts.changeRole(owner, membership, "member");
  expect(await heard(bob.userId)).toEqual([["role-changed", "bob", "member", "ada"]]);
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);
