// People and projects: roles bound what one may give, links work once, what ended ends at once, and the last owner stays.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oneTimeLinks, users } from "../../schema/tables/accounts.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { type Accounts, createAccounts, opens, type Principal, sessionCookie } from "./accounts.ts";

let dataDir: string;
let store: Store;
let accounts: Accounts;
let ada: Principal;
let time = 1_800_000_000_000;
const password = "correct horse";

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "espalier-people-"));
  store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
  accounts = createAccounts({ store, clock: () => time });
  const token = (await accounts.ensureSetup()) ?? "";
  ada = await who((await accounts.setup({ token, name: "ada", password, userAgent: "Firefox" })).token);
});
afterAll(async () => {
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

const ask = (headers: Record<string, string>) => new Request("http://localhost/", { headers });
const find = (token: string) => accounts.authenticate(ask({ cookie: `${sessionCookie}=${token}` }));
const byKey = (secret: string) => accounts.authenticate(ask({ authorization: `Bearer ${secret}` }));
async function who(token: string): Promise<Principal> {
  const found = await find(token);
  if (!found) throw new Error("nobody is behind this session");
  return found;
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "NOTHING_THROWN",
    (error: { code?: string }) => error.code ?? String(error),
  );
const signIn = (name: string, word = password) =>
  accounts.signIn({ name, password: word, address: name, userAgent: "Firefox" });

/** Invites somebody new as `by` and takes the link. */
async function add(by: Principal, name: string, role: string): Promise<{ token: string; id: string }> {
  const { token: link } = await accounts.invitePerson(by, { role, note: name });
  const { token, userId } = await accounts.acceptAsNew({ token: link, name, password, userAgent: "Safari" });
  const { items } = await accounts.pageOfPeople(by.projectId, { first: 200 });
  return { token, id: items.find((one) => one.userId === userId)?.id ?? "" };
}

test("an invitation works once, names what it offers, ends by time, and is kept only as a hash", async () => {
  const { token, link } = await accounts.invitePerson(ada, { role: "member", note: "for bob" });
  expect(JSON.stringify(await store.db.select().from(oneTimeLinks))).not.toContain(token);
  expect(await accounts.offerOf(token)).toMatchObject({ kind: "invitation", role: "member" });
  const bob = { token, name: "bob", password, userAgent: "" };
  expect(await codeOf(accounts.acceptAsNew({ ...bob, name: "ada" }))).toBe("USER_NAME_TAKEN");
  expect(await codeOf(accounts.acceptAsNew({ ...bob, password: "short" }))).toBe("PASSWORD_TOO_SHORT");
  const principal = await who((await accounts.acceptAsNew(bob)).token);
  expect([principal.name, principal.role, principal.projectId]).toEqual(["bob", "member", ada.projectId]);
  expect(await codeOf(accounts.acceptAsNew({ ...bob, name: "bob2" }))).toBe("LINK_NOT_VALID");
  expect(await codeOf(accounts.revokeInvitation(ada, link.id))).toBe("INVITATION_NOT_FOUND");
  const late = await accounts.invitePerson(ada, { role: "member", note: "" });
  const withdrawn = await accounts.invitePerson(ada, { role: "member", note: "" });
  await accounts.revokeInvitation(ada, withdrawn.link.id);
  expect(await codeOf(accounts.offerOf(withdrawn.token))).toBe("LINK_NOT_VALID");
  time += limits.invitationMs + 1;
  expect(await codeOf(accounts.offerOf(late.token))).toBe("LINK_NOT_VALID");
  expect((await accounts.pageOfInvitations(ada.projectId, {})).items).toEqual([]);
});

test("nobody gives more than they have, and an admin may not touch an owner", async () => {
  const eve = await add(ada, "eve", "admin");
  const admin = await who(eve.token);
  const { items } = await accounts.pageOfPeople(ada.projectId, {});
  const adaHere = items.find(({ userId }) => userId === ada.userId)?.id ?? "";
  expect(await codeOf(accounts.invitePerson(admin, { role: "owner", note: "" }))).toBe("ROLE_BEYOND_YOURS");
  expect(await codeOf(accounts.invitePerson(admin, { role: "king", note: "" }))).toBe("ROLE_UNKNOWN");
  expect(await codeOf(accounts.changeRole(admin, eve.id, "owner"))).toBe("ROLE_BEYOND_YOURS");
  for (const deed of [
    () => accounts.changeRole(admin, adaHere, "viewer"),
    () => accounts.removePerson(admin, adaHere),
    () => accounts.disablePerson(admin, adaHere),
    () => accounts.resetPassword(admin, adaHere),
    () => accounts.endSessions(admin, adaHere),
  ])
    expect(await codeOf(deed())).toBe("PERSON_BEYOND_YOU");
  expect(await codeOf(accounts.createKey(admin, { name: "k", scopes: ["owner"] }))).toBe(
    "SCOPE_BEYOND_YOURS",
  );
  // An invitation that outlived its maker's right to make it is void.
  const { token } = await accounts.invitePerson(admin, { role: "admin", note: "" });
  await accounts.changeRole(ada, eve.id, "member");
  expect(await codeOf(accounts.offerOf(token))).toBe("LINK_NOT_VALID");
});

test("the last owner can be neither demoted, removed nor disabled, in any of their projects", async () => {
  const { items } = await accounts.pageOfPeople(ada.projectId, {});
  const adaHere = items.find(({ userId }) => userId === ada.userId)?.id ?? "";
  const machine = await accounts.createMachineKey({ name: "machine", scopes: ["owner"] });
  const key = await byKey(machine.secret);
  if (!key) throw new Error("the key opens nothing");
  expect(await codeOf(accounts.changeRole(ada, adaHere, "admin"))).toBe("LAST_OWNER");
  expect(await codeOf(accounts.removePerson(ada, adaHere))).toBe("LAST_OWNER");
  expect(await codeOf(accounts.disablePerson(ada, adaHere))).toBe("PERSON_IS_YOU");
  expect(await codeOf(accounts.disablePerson(key, adaHere))).toBe("LAST_OWNER");
  const second = await add(ada, "olga", "owner");
  // An owner who cannot sign in does not count.
  await accounts.disablePerson(ada, second.id);
  expect(await codeOf(accounts.changeRole(ada, adaHere, "admin"))).toBe("LAST_OWNER");
  await accounts.enablePerson(ada, second.id);
  expect((await accounts.changeRole(ada, adaHere, "admin")).role).toBe("admin");
  const olga = await who((await signIn("olga")).token);
  await accounts.changeRole(olga, adaHere, "owner");
  // A project of olga's own: an owner of the first may not take her account over by a new password.
  await accounts.createProject(olga, "olga alone");
  expect(await codeOf(accounts.resetPassword(ada, second.id))).toBe("PERSON_BEYOND_YOU");
  expect(await codeOf(accounts.disablePerson(ada, second.id))).toBe("PERSON_BEYOND_YOU");
  expect((await accounts.removePerson(ada, second.id)).name).toBe("olga");
}, 30_000);

test("disabling ends sessions, keys and open streams at once, and enabling gives the keys back", async () => {
  const { token, id } = await add(ada, "dan", "admin");
  const dan = await who(token);
  const { secret } = await accounts.createKey(dan, { name: "dan's", scopes: ["read", "admin"] });
  const stillReads = accounts.watch(dan, "read");
  expect((await byKey(secret))?.role).toBe("admin");
  expect(await stillReads()).toBe(true);
  // A key may do no more than its maker may by now.
  await accounts.changeRole(ada, id, "viewer");
  const lesser = await byKey(secret);
  expect([lesser && opens(lesser.scopes, "read"), lesser && opens(lesser.scopes, "admin")]).toEqual([
    true,
    false,
  ]);
  await accounts.changeRole(ada, id, "member");
  await accounts.disablePerson(ada, id);
  expect([await find(token), await byKey(secret), await stillReads()]).toEqual([null, null, false]);
  expect(await codeOf(signIn("dan"))).toBe("USER_DISABLED");
  await accounts.enablePerson(ada, id);
  expect(await find(token)).toBeNull();
  expect((await byKey(secret))?.projectId).toBe(ada.projectId);
  expect((await who((await signIn("dan")).token)).role).toBe("member");
  await accounts.removePerson(ada, id);
  expect(await byKey(secret)).toBeNull();
  expect(await codeOf(signIn("dan"))).toBe("NO_PROJECT");
}, 30_000);

test("passwords: one's own ends the other sessions; a link sets one, once, and ends them all", async () => {
  const { token, id } = await add(ada, "mia", "member");
  const mia = await who(token);
  const other = await signIn("mia");
  const change = (current: string, wanted: string) => accounts.changePassword(mia, { current, wanted });
  expect(await codeOf(change("wrong", "another horse"))).toBe("PASSWORD_WRONG");
  expect(await codeOf(change(password, "short"))).toBe("PASSWORD_TOO_SHORT");
  expect(await change(password, "another horse")).toBe(1);
  expect([(await find(token))?.name, await find(other.token)]).toEqual(["mia", null]);
  const first = await accounts.resetPassword(ada, id);
  const second = await accounts.resetPassword(ada, id);
  const set = (link: string) => accounts.acceptReset({ token: link, password: "third horse", userAgent: "" });
  expect(await codeOf(set(first.token))).toBe("LINK_NOT_VALID");
  expect(await accounts.offerOf(second.token)).toMatchObject({ kind: "reset", name: "mia" });
  expect(await codeOf(accounts.acceptAsMyself(mia, second.token))).toBe("LINK_NOT_VALID");
  const fresh = await set(second.token);
  expect([(await find(fresh.token))?.name, await find(token)]).toEqual(["mia", null]);
  expect(await codeOf(set(second.token))).toBe("LINK_NOT_VALID");
  expect(await codeOf(signIn("mia", "another horse"))).toBe("SIGN_IN_FAILED");
  expect((await signIn("mia", "third horse")).token).toBeString();
}, 30_000);

test("sessions: everybody ends their own, admins those of their people, nobody else's", async () => {
  const tom = await add(ada, "tom", "member");
  const principal = await who(tom.token);
  const second = await signIn("tom");
  const [newest, oldest] = await accounts.sessionsOf(principal.userId ?? "");
  expect(newest?.userAgent).toBe("Firefox");
  const [own] = await accounts.sessionsOf(ada.userId ?? "");
  expect(await codeOf(accounts.endSession(principal, own?.id ?? ""))).toBe("SESSION_NOT_FOUND");
  expect(await codeOf(accounts.endSessions(principal, "mbr_x"))).toBe("PERSON_NOT_FOUND");
  // The id of a session is in lists and opens nothing.
  expect(await find(oldest?.id ?? "")).toBeNull();
  await accounts.endSession(principal, newest?.id ?? "");
  expect(await find(second.token)).toBeNull();
  await signIn("tom");
  expect(await accounts.endSessions(principal, null)).toBe(1);
  expect((await find(tom.token))?.name).toBe("tom");
  expect(await accounts.endSessions(ada, tom.id)).toBe(1);
  expect(await find(tom.token)).toBeNull();
}, 30_000);

test("projects: made by owners, switched by session, archived and restored, entered only by invitation", async () => {
  const kim = await add(ada, "kim", "admin");
  const { id } = await accounts.createProject(ada, "garden");
  expect(await codeOf(accounts.createProject(ada, "Garden "))).toBe("PROJECT_NAME_TAKEN");
  expect(await codeOf(accounts.switchProject(await who(kim.token), id))).toBe("PROJECT_NOT_FOUND");
  const session = await signIn("ada");
  const start = await who(session.token);
  const stillReads = accounts.watch(start, "read");
  await accounts.switchProject(start, id);
  const here = await who(session.token);
  expect([here.projectId, here.role, await stillReads()]).toEqual([id, "owner", false]);
  const { secret } = await accounts.createKey(here, { name: "garden key", scopes: ["read"] });
  // Somebody who has an account takes the link as themselves.
  const link = await accounts.invitePerson(here, { role: "viewer", note: "" });
  await accounts.acceptAsMyself(await who(kim.token), link.token);
  expect(await who(kim.token)).toMatchObject({ projectId: id, role: "viewer" });
  const again = await accounts.invitePerson(here, { role: "owner", note: "" });
  expect(await codeOf(accounts.acceptAsMyself(await who(kim.token), again.token))).toBe("ALREADY_IN_PROJECT");
  await accounts.archiveProject(here);
  expect((await who(session.token)).projectId).toBe(ada.projectId);
  expect((await who(kim.token)).role).toBe("admin");
  expect([await byKey(secret), await codeOf(accounts.offerOf(again.token))]).toEqual([
    null,
    "LINK_NOT_VALID",
  ]);
  expect(await codeOf(accounts.switchProject(await who(session.token), id))).toBe("PROJECT_ARCHIVED");
  expect(await codeOf(accounts.restoreProject(await who(kim.token), id))).toBe("PROJECT_NOT_YOURS");
  await accounts.restoreProject(await who(session.token), id);
  // Restoring moves nobody back.
  expect((await who(session.token)).projectId).toBe(ada.projectId);
  expect((await byKey(secret))?.projectId).toBe(id);
  // Whoever is in one project only does not lock themselves out.
  const alone = await add(await who(session.token), "lea", "owner");
  expect(await codeOf(accounts.archiveProject(await who(alone.token)))).toBe("PROJECT_LAST");
}, 30_000);

test("at the command line: the first is owner, the next are members unless said, a reset enables again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "espalier-people-cli-"));
  const own = await openStore({ dataDir: folder, log: createLog({ level: "silent" }) });
  const machine = createAccounts({ store: own, clock: () => time });
  const put = (name: string, more = {}) => machine.putUser({ name, password, reset: false, ...more });
  expect(await put("first")).toMatchObject({ name: "first", role: "owner", project: "Espalier" });
  expect(await put("second")).toMatchObject({ role: "member" });
  expect(await put("third", { role: "viewer" })).toMatchObject({ role: "viewer" });
  await own.write((tx) => tx.update(users).set({ disabledAt: 1 }));
  await put("third", { reset: true });
  const session = await machine.signIn({ name: "third", password, address: "a", userAgent: "" });
  expect(session.token).toBeString();
  await own.close();
  await rm(folder, { recursive: true, force: true });
}, 30_000);
