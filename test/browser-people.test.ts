// Several people in Chromium through the executable: invited, given a role, kept to it, disabled; projects and switching.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { z } from "zod";
import { ada, canWalk, narrow, startWalk, type Walk } from "./browser-kit.ts";

setDefaultTimeout(600_000);

let walk: Walk;
let bob: Page;
beforeAll(async () => {
  if (!canWalk) return;
  walk = await startWalk();
  await walk.setUp();
});
afterAll(() => walk?.close());

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name, exact: true });

/** Invites somebody on the page People and returns the link, which is shown this once. */
async function invite(role: string, note: string): Promise<string> {
  await walk.open("/people");
  await walk.button("Invite somebody").click();
  const dialog = walk.dialog();
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await dialog.getByRole("option", { name: role, exact: true }).click();
  await dialog.getByLabel("For whom").fill(note);
  await walk.look("invite", { picture: false });
  await walk.button("Make the link", dialog).click();
  const link = (await dialog.getByText(/\/join\?token=/).textContent()) ?? "";
  await walk.button("I have copied it", dialog).click();
  return link;
}

test.skipIf(!canWalk)(
  "R100 an invitation lets somebody in with a name and password of their own",
  async () => {
    const link = await invite("viewer", "for bob");
    const { page } = walk;
    await page.getByText("for bob").waitFor();
    expect(await page.getByText(link).count()).toBe(0);
    bob = await walk.elsewhere();
    await bob.goto(link);
    await bob.getByText("You are invited to Espalier as viewer.").waitFor();
    await bob.getByLabel("Name").fill("bob");
    await bob.getByLabel("Password", { exact: true }).fill("a short walk");
    await bob.getByRole("button", { name: "Create account and join" }).click();
    await heading(bob, "Process map").waitFor();
    // The link is used up, and no longer among the open ones.
    const stranger = await walk.elsewhere();
    await stranger.goto(link);
    await stranger.getByText("LINK_NOT_VALID").waitFor();
    await stranger.close();
    await walk.open("/people");
    await page.getByRole("cell", { name: "bob", exact: true }).waitFor();
    expect(await page.getByText("for bob").count()).toBe(0);
    await walk.look("people", { dark: true });
    await walk.within(narrow, () => walk.look("people-narrow", { picture: false }));
  },
);

test.skipIf(!canWalk)("R102 what a role does not open is disabled and says which one does", async () => {
  const why = "You are viewer in this project; this takes the role";
  for (const [path, title, button, role] of [
    ["/datasets", "Datasets", "Import dataset", "member"],
    ["/people", "People", "Invite somebody", "admin"],
    ["/projects", "Projects", "Make a project", "owner"],
    ["/settings", "Settings", "Create key", "admin"],
  ] as const) {
    await bob.goto(new URL(path, walk.url()).href);
    await heading(bob, title).waitFor();
    await bob.getByText(`${why} ${role}.`).first().waitFor();
    expect(await bob.getByRole("button", { name: button }).first().isDisabled()).toBe(true);
  }
  await bob.goto(new URL("/chat", walk.url()).href);
  await heading(bob, "Not yours to open").waitFor();
  // The server refuses the same, whatever the page shows.
  const said = await bob.request.post(`${walk.url()}/graphql`, {
    data: { query: 'mutation { delete(id: "x") { __typename } }' },
  });
  expect(await said.text()).toContain("You are viewer in this project and it takes member");
  await walk.open("/people");
  await walk.page.getByRole("combobox", { name: "Role of bob" }).click();
  await walk.page.getByRole("option", { name: "member", exact: true }).click();
  await walk.until(
    "{ people { nodes { name role } } }",
    z.object({
      people: z.object({ nodes: z.tuple([z.unknown(), z.object({ role: z.literal("member") })]) }),
    }),
  );
  await bob.goto(new URL("/chat", walk.url()).href);
  await heading(bob, "Chat").waitFor();
});

test.skipIf(!canWalk)("R101 a project is made, entered, empty to begin with, and left again", async () => {
  const { page } = walk;
  await walk.samples();
  await walk.open("/projects");
  await walk.button("Make a project").click();
  await walk.dialog().getByLabel("Name").fill("Orchard");
  await walk.look("make-project", { picture: false });
  await walk.button("Make it", walk.dialog()).click();
  await page.getByRole("button", { name: /^Orchard\s*ada/ }).waitFor();
  const models = z.object({ models: z.object({ totalCount: z.number() }) });
  expect(models.parse(await walk.asPerson("{ models { totalCount } }")).models.totalCount).toBe(0);
  expect(models.parse(await walk.graphql("{ models { totalCount } }")).models.totalCount).toBeGreaterThan(0);
  await walk.open("/projects");
  await page.getByText("you are here").waitFor();
  await walk.look("projects", { dark: true });
  await walk.within(narrow, () => walk.look("projects-narrow", { picture: false }));
  // Somebody with an account takes an invitation as themselves.
  const link = await invite("owner", "bob too");
  await bob.goto(link);
  await bob.getByRole("button", { name: "Join as bob" }).click();
  await bob.getByRole("button", { name: /^Orchard\s*bob/ }).waitFor();
  await walk.open("/projects");
  await walk.button("Archive Orchard").click();
  await walk.look("archive-project", { picture: false });
  await walk.dialog().getByRole("button", { name: "Archive", exact: true }).click();
  await page.getByRole("button", { name: "Restore Orchard" }).click();
  await page.getByRole("button", { name: /^Espalier\s*ada/ }).click();
  await page.getByRole("menuitem", { name: "Orchard" }).waitFor();
  await walk.look("switcher", { picture: false });
  await page.getByRole("menuitem", { name: "Orchard" }).click();
  await page.getByRole("button", { name: /^Orchard\s*ada/ }).click();
  await page.getByRole("menuitem", { name: "Espalier" }).click();
  await page.getByRole("button", { name: /^Espalier\s*ada/ }).waitFor();
});

test.skipIf(!canWalk)("R100 sessions are listed and ended, a password is reset by a link", async () => {
  const { page } = walk;
  await walk.open("/account");
  await page.getByText("this one", { exact: true }).waitFor();
  await walk.look("account");
  await walk.open("/people");
  await walk.button("What can be done about bob").click();
  await page.getByRole("menuitem", { name: "Sessions" }).click();
  await walk
    .dialog()
    .getByText(/Chrome on Linux/)
    .waitFor();
  await walk.look("sessions", { picture: false });
  await walk.button("Sign out everywhere", walk.dialog()).click();
  await walk.dialog().getByText("Signed in nowhere.").waitFor();
  await page.keyboard.press("Escape");
  await bob.goto(new URL("/datasets", walk.url()).href);
  await heading(bob, "Sign in").waitFor();
  await walk.button("What can be done about bob").click();
  await page.getByRole("menuitem", { name: "New password" }).click();
  await walk.button("Make the link", walk.dialog()).click();
  const link =
    (await walk
      .dialog()
      .getByText(/\/reset\?token=/)
      .textContent()) ?? "";
  await walk.button("I have copied it", walk.dialog()).click();
  await bob.goto(link);
  await bob.getByLabel("New password", { exact: true }).fill("a third walk");
  await bob.getByRole("button", { name: "Set the password and sign in" }).click();
  await heading(bob, "Process map").waitFor();
});

test.skipIf(!canWalk)(
  "R100 who is disabled is out at once and says so at the door; the last owner stays",
  async () => {
    const { page } = walk;
    await walk.open("/people");
    await walk.button("What can be done about bob").click();
    await page.getByRole("menuitem", { name: "Disable" }).click();
    await walk.look("disable", { picture: false });
    await walk.button("Disable bob", walk.dialog()).click();
    // bob owns Orchard beside ada, so that nobody is locked out of it.
    await page.getByText("disabled", { exact: true }).waitFor();
    await bob.goto(new URL("/datasets", walk.url()).href);
    await heading(bob, "Sign in").waitFor();
    await bob.getByLabel("Name").fill("bob");
    await bob.getByLabel("Password", { exact: true }).fill("a third walk");
    await bob.getByRole("button", { name: "Sign in" }).click();
    expect(await bob.getByRole("alert").textContent()).toContain("USER_DISABLED");
    await walk.button("What can be done about bob").click();
    await page.getByRole("menuitem", { name: "Enable" }).click();
    await bob.getByRole("button", { name: "Sign in" }).click();
    await heading(bob, "Datasets").waitFor();
    await page.getByRole("combobox", { name: `Role of ${ada.name}` }).click();
    await page.getByRole("option", { name: "viewer", exact: true }).click();
    await page.getByText("LAST_OWNER").waitFor();
  },
);

test.skipIf(!canWalk)("no page broke, or asked another host", () => {
  expect(walk.faults).toEqual([]);
});
