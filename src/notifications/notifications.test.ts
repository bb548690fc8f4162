// Notifications: who is told of what, once, with what comes next; read marks, preferences, the disk, and messages to webhooks.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { apiKeys, memberships, projects, users } from "../../schema/tables/accounts.ts";
import { baseModels, completeModels } from "../../schema/tables/models.ts";
import { notifications as table, webhookDeliveries, webhooks } from "../../schema/tables/notifications.ts";
import { trainers } from "../../schema/tables/runs.ts";
import { createOutbound } from "../inference/remote/outbound.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { asking, createRuns, type Runs } from "../runs/runs.ts";
import { rotateSecrets } from "../store/reseal.ts";
import { createSecrets, type Secrets } from "../store/secrets.ts";
import { openStore, type Store } from "../store/store.ts";
import { signedHeaders, waitAfter } from "./deliveries.ts";
import { createDiskWatch } from "./disk-watch.ts";
import { createNotifications, type Notifications } from "./notifications.ts";

const log = createLog({ level: "silent" });
let dataDir: string;
let store: Store;
let secrets: Secrets;
let runs: Runs;
let told: Notifications;
let at = 1_000_000;
const clock = () => at;
const projectId = "prj_a";

function build(): void {
  secrets = createSecrets({ dataDir });
  runs = createRuns({ store, clock, log });
  told = createNotifications({ store, runs, clock, log, secrets, outbound: createOutbound({ clock }) });
}

beforeEach(async () => {
  at = 1_000_000;
  dataDir = mkdtempSync(join(tmpdir(), "espalier-notifications-"));
  store = await openStore({ dataDir, log });
  build();
  await store.write(async (tx) => {
    for (const id of [projectId, "prj_b"])
      await tx.insert(projects).values({ id, name: `${id} name`, createdAt: 1 });
    for (const [id, role] of [
      ["usr_ada", "member"],
      ["usr_bob", "owner"],
      ["usr_eve", "viewer"],
    ] as const) {
      await tx.insert(users).values({ id, name: id.slice(4), passwordHash: "x", createdAt: 1 });
      await tx.insert(memberships).values({ id: `mbr_${id}`, projectId, userId: id, role, createdAt: 1 });
    }
    const key = { id: "key_a", projectId, name: "script", secretHash: "h", prefix: "e", scopes: [] };
    await tx.insert(apiKeys).values({ ...key, createdAt: 1, userId: "usr_ada" });
  });
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const spec = { projectId, kind: "merge", executor: "server", name: "Save pet", spec: {} } as const;
/** A run of somebody, taken by a worker. */
async function started(by: string | null, more: object = {}) {
  await asking(by, () => store.write((tx) => runs.createRun(tx, { ...spec, ...more })));
  const { executor = "server" } = more as { executor?: "server" | "trainer" };
  const run = await runs.claim({ executor, owner: "w", leaseMs: 1_000 });
  if (!run) throw new Error("nothing to claim");
  return run;
}
const heard = async (recipientId: string, project = projectId) =>
  (await told.page({ recipientId, projectId: project }, false, {})).items.map(({ kind, about }) => ({
    kind,
    name: about.name,
    next: about.next,
  }));
const kindsOf = async (id: string) => (await heard(id)).map(({ kind }) => kind);

describe("who is told", () => {
  test("whoever started a run, of its end alone, with what comes next; nobody else", async () => {
    const base = { projectId, format: "hf", files: [], sha256: "x", sizeBytes: 1, card: {}, createdAt: 1 };
    await store.write(async (tx) => {
      await tx.insert(baseModels).values({ id: "base_1", name: "b", ...base });
      const { format: _, ...rest } = base;
      await tx.insert(completeModels).values({ id: "cmp_1", name: "pet", baseId: "base_1", ...rest });
    });
    const run = await started("usr_ada", { subjectId: "cmp_1" });
    expect(await heard("usr_ada")).toEqual([]);
    await runs.finish(run.id, run.attempt, { status: "succeeded" });
    const next = { verb: "deploy", name: "pet", path: "/complete/cmp_1" };
    expect(await heard("usr_ada")).toEqual([{ kind: "run-succeeded", name: "Save pet", next }]);
    expect(await heard("usr_bob")).toEqual([]);
    expect(await heard("usr_ada", "prj_b")).toEqual([]);
    // Said again by the same attempt, as a worker does that did not hear the answer.
    await runs.finish(run.id, run.attempt, { status: "succeeded" });
    expect((await heard("usr_ada")).length).toBe(1);
  });

  test("what is rolled back is told to nobody", async () => {
    const run = await started("usr_ada");
    await expect(
      store.write(async (tx) => {
        await told.tell(tx, {
          projectId,
          kind: "run-failed",
          event: "e",
          about: { name: "n", next: { verb: "open", name: "", path: "/" } },
          to: ["usr_ada"],
        });
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await heard("usr_ada")).toEqual([]);
    expect((await runs.get(run.id)).status).toBe("running");
  });

  test("of a failure with its reason and the way to it", async () => {
    const run = await started("usr_ada");
    const error = { code: "X", message: "The disk was full" };
    await runs.finish(run.id, run.attempt, { status: "failed", error });
    const [row] = (await told.page({ recipientId: "usr_ada", projectId }, false, {})).items;
    expect(row?.about.message).toBe("The disk was full");
    expect(row?.about.next).toEqual({ verb: "see-why", name: "Save pet", path: `/runs/${run.id}` });
  });

  test("of a cancel only by somebody else", async () => {
    const [mine, theirs] = [await started("usr_ada"), await started("usr_ada")];
    await asking("usr_ada", () => runs.requestCancel(mine.id));
    await runs.finish(mine.id, 1, { status: "cancelled" });
    expect(await heard("usr_ada")).toEqual([]);
    await asking("usr_bob", () => runs.requestCancel(theirs.id));
    await runs.finish(theirs.id, 1, { status: "cancelled" });
    const [row] = (await told.page({ recipientId: "usr_ada", projectId }, false, {})).items;
    expect([row?.kind, row?.about.by]).toEqual(["run-cancelled", "bob"]);
  });

  test("a key's run: the key, and the person who made it", async () => {
    const run = await started("key_a");
    await runs.finish(run.id, 1, { status: "succeeded" });
    expect(await kindsOf("key_a")).toEqual(["run-succeeded"]);
    expect(await kindsOf("usr_ada")).toEqual(["run-succeeded"]);
  });

  test("what a run makes next, and its retry by nobody, are its starter's", async () => {
    const run = await started("usr_ada");
    let follower = "";
    await runs.finish(run.id, 1, { status: "failed" }, async (tx) => {
      follower = (await runs.createRun(tx, { ...spec, name: "Next" })).id;
    });
    expect((await runs.get(follower)).createdBy).toBe("usr_ada");
    expect((await runs.retry(run.id)).createdBy).toBe("usr_ada");
  });

  test("nobody who left the project or was disabled", async () => {
    const [one, two] = [await started("usr_ada"), await started("usr_eve")];
    await store.write(async (tx) => {
      await tx.delete(memberships).where(eq(memberships.userId, "usr_ada"));
      await tx.update(users).set({ disabledAt: 1 }).where(eq(users.id, "usr_eve"));
    });
    for (const run of [one, two]) await runs.finish(run.id, 1, { status: "succeeded" });
    expect([await heard("usr_ada"), await heard("usr_eve")]).toEqual([[], []]);
  });

  test("of a trainer that goes silent with a run: its starter and the admins, once an attempt", async () => {
    await store.write((tx) =>
      tx.insert(trainers).values({
        id: "w",
        name: "gpu-1",
        host: "h",
        devices: {},
        methods: [],
        contractVersion: "1",
        firstSeenAt: 1,
        lastSeenAt: 1,
      }),
    );
    await started("usr_ada", { kind: "train", executor: "trainer", name: "Train pet" });
    at += 2_000;
    await runs.releaseExpired();
    await runs.releaseExpired();
    for (const id of ["usr_ada", "usr_bob"])
      expect((await heard(id)).map(({ kind, name }) => [kind, name])).toEqual([["trainer-lost", "gpu-1"]]);
    expect(await heard("usr_eve")).toEqual([]);
  });

  test("of a disk that is nearly full: the admins, once a day", async () => {
    let freeBytes = 100e9;
    const space = async () => ({ freeBytes, diskBytes: 1e12 });
    const watch = createDiskWatch({ store, notifications: told, clock, log, space });
    watch.stop();
    await watch.look();
    expect(await heard("usr_bob")).toEqual([]);
    freeBytes = 1e9;
    await watch.look();
    await watch.look();
    expect(await kindsOf("usr_bob")).toEqual(["disk-low"]);
    at += 24 * 3_600_000;
    await watch.look();
    expect(await kindsOf("usr_bob")).toEqual(["disk-low", "disk-low"]);
    expect(await heard("usr_ada")).toEqual([]);
  });
});

test("read marks are one's own, counted, and heard by one's other pages", async () => {
  const ada = { recipientId: "usr_ada", projectId };
  const changes: unknown[] = [];
  const end = told.onChange(ada, ({ added }) => changes.push(added?.kind ?? null));
  for (let i = 0; i < 3; i++) await runs.finish((await started("usr_ada")).id, 1, { status: "succeeded" });
  expect(await told.unread(ada)).toBe(3);
  const ids = (await told.page(ada, true, {})).items.map(({ id }) => id);
  expect(await told.markRead({ recipientId: "usr_bob", projectId }, ids)).toBe(0);
  expect(await told.markRead({ ...ada, projectId: "prj_b" }, null)).toBe(0);
  expect(await told.markRead(ada, [ids[0] ?? ""])).toBe(1);
  expect(await told.markRead(ada, [ids[0] ?? ""])).toBe(0);
  expect(await told.markRead(ada, null)).toBe(2);
  expect(await told.unread(ada)).toBe(0);
  end();
  expect(changes).toEqual(["run-succeeded", "run-succeeded", "run-succeeded", null, null]);
});

test("a kind that is switched off is not told; the others are", async () => {
  await told.setPreference("usr_ada", { kind: "run-succeeded", inBell: false, inBrowser: false });
  await told.setPreference("usr_ada", { kind: "run-failed", inBell: true, inBrowser: false });
  await runs.finish((await started("usr_ada")).id, 1, { status: "succeeded" });
  await runs.finish((await started("usr_ada")).id, 1, { status: "failed" });
  expect(await kindsOf("usr_ada")).toEqual(["run-failed"]);
  const wanted = new Map((await told.preferences("usr_ada")).map(({ kind, ...rest }) => [kind, rest]));
  expect(wanted.get("run-succeeded")).toEqual({ inBell: false, inBrowser: false });
  expect(wanted.get("run-failed")).toEqual({ inBell: true, inBrowser: false });
  expect(wanted.get("disk-low")).toEqual({ inBell: true, inBrowser: true });
});

test("what is old is forgotten, what waits for a webhook is not", async () => {
  await runs.finish((await started("usr_ada")).id, 1, { status: "succeeded" });
  at += limits.notificationKeepMs + 1;
  await runs.finish((await started("usr_ada")).id, 1, { status: "failed" });
  await told.sweep();
  expect(await kindsOf("usr_ada")).toEqual(["run-failed"]);
});

describe("webhook", () => {
  type Got = { headers: Headers; body: string };
  let got: Got[];
  let status: number;
  let server: Bun.Server<unknown>;
  beforeEach(() => {
    got = [];
    status = 200;
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        got.push({ headers: request.headers, body: await request.text() });
        const location = { location: "/elsewhere" };
        return new Response("<html>ok</html>", {
          status,
          headers: { "content-type": "text/html", ...(status === 302 ? location : {}) },
        });
      },
    });
  });
  afterEach(() => server.stop(true));
  const set = (more: object = {}) =>
    told.setWebhook({
      projectId,
      url: server.url.href,
      allowPrivate: true,
      byId: "usr_bob",
      by: "bob",
      ...more,
    });
  const rows = () => store.db.select().from(webhookDeliveries);
  async function until(done: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 500 && !(await done()); tries++) await Bun.sleep(10);
    expect(await done()).toBe(true);
  }

  test("the signature is that of the Standard Webhooks specification", () => {
    // The example of the specification's own libraries.
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const headers = signedHeaders(
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330_000,
      '{"test": 2432232314}',
      secret,
    );
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  test("an event is posted signed to the confirmed address, whatever the answer is made of", async () => {
    await expect(set({ allowPrivate: false })).rejects.toThrow(
      expect.objectContaining({ code: "ADDRESS_PRIVATE" }),
    );
    const { secret } = await set();
    const end = told.startPosting();
    await runs.finish((await started("usr_ada")).id, 1, { status: "succeeded" });
    await until(async () => (await rows())[0]?.nextAt === null);
    await end();
    expect(got.length).toBe(1);
    const { headers, body } = got[0] as Got;
    const said = JSON.parse(body);
    expect(said).toMatchObject({
      type: "run-succeeded",
      text: "Save pet is done.",
      project: { id: projectId },
    });
    const [id, seconds] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
    expect(id).toBe(said.id);
    const key = Buffer.from((secret ?? "").slice("whsec_".length), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
    expect(headers.get("webhook-signature")).toBe(`v1,${signature}`);
    expect((await rows())[0]).toMatchObject({ status: 200, error: null, attempts: 1 });
  });

  test("what is refused is tried again with growing waits and the same id, then given up; over a restart too", async () => {
    await set();
    status = 503;
    await runs.finish((await started("usr_ada")).id, 1, { status: "failed" });
    for (let attempt = 1; attempt <= limits.webhookAttempts; attempt++) {
      // Each time another process: the store is all that it knows.
      build();
      const end = told.startPosting();
      await until(async () => (await rows())[0]?.attempts === attempt);
      await end();
      const [row] = await rows();
      expect(row?.error).toBe("It answered 503.");
      if (attempt === limits.webhookAttempts) expect(row?.nextAt).toBeNull();
      else expect(row?.nextAt).toBe(at + waitAfter(attempt));
      at = row?.nextAt ?? at;
    }
    expect(new Set(got.map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
    expect(got.length).toBe(limits.webhookAttempts);
  });

  test("a redirect is not followed: the message goes to the address alone", async () => {
    await set();
    status = 302;
    expect(await told.testWebhook(projectId, "bob")).toMatchObject({
      status: 302,
      error: "It answered 302.",
      nextAt: null,
    });
    expect(got.map(({ headers }) => headers.get("host"))).toEqual([new URL(server.url).host]);
  });

  test("only the kinds that were chosen, only the project's own, and an event once", async () => {
    await set({ kinds: ["run-failed"] });
    await runs.finish((await started("usr_ada")).id, 1, { status: "succeeded" });
    await runs.finish((await started("usr_ada", { projectId: "prj_b" })).id, 1, { status: "failed" });
    expect(await rows()).toEqual([]);
    const about = { name: "n", next: { verb: "open", name: "", path: "/" } };
    for (let i = 0; i < 2; i++)
      await store.write((tx) =>
        told.tell(tx, { projectId, kind: "run-failed", event: "same", about, to: [] }),
      );
    expect((await rows()).length).toBe(1);
    await expect(set({ kinds: ["weather"] })).rejects.toThrow(
      expect.objectContaining({ code: "KIND_UNKNOWN" }),
    );
  });

  test("the secret is sealed, moves with the server's key, and is another when renewed", async () => {
    const { secret, webhook } = await set();
    expect(webhook.sealedSecret).not.toContain(secret ?? "none");
    expect((await set()).secret).toBeNull();
    expect(await rotateSecrets(store, secrets)).toEqual({ resealed: 1 });
    const [row] = await store.db.select().from(webhooks);
    expect(await secrets.open(row?.id ?? "", row?.sealedSecret ?? "")).toBe(secret ?? "none");
    const renewed = await told.renewWebhookSecret(projectId);
    expect(renewed.secret).toStartWith("whsec_");
    expect(renewed.secret).not.toBe(secret);
  });

  test("a removed webhook takes its messages and the confirmed address along", async () => {
    await set();
    status = 500;
    await told.testWebhook(projectId, "bob");
    await told.removeWebhook(projectId);
    expect([await rows(), await store.db.query.confirmedAddresses.findMany()]).toEqual([[], []]);
    expect(await store.db.select().from(table)).toEqual([]);
    await expect(told.testWebhook(projectId, "bob")).rejects.toThrow(
      expect.objectContaining({ code: "WEBHOOK_NOT_FOUND" }),
    );
  });
});
