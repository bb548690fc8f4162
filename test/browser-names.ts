// Names in the browser and by GraphQL: those that the server makes up, and those that a person changes.
import { expect } from "bun:test";
import { z } from "zod";
import type { Walk } from "./browser-kit.ts";
import { answerBy, openFrom, readGeneratedName, readLive } from "./browser-models.ts";

/**
 * With a base model from which a training left to the server has made a customized and a complete model, and with a
 * customized model "support-router": leaves names to the server, changes them, and meets refusals.
 */
export async function leaveAndChangeNames(walk: Walk, base: string): Promise<void> {
  const { page } = walk;
  // What R60 left to the server was trained and saved under names that tell where they come from.
  const { customizedModels } = z
    .object({ customizedModels: z.object({ nodes: z.array(z.object({ name: z.string() })) }) })
    .parse(await walk.graphql("{ customizedModels(first: 1) { nodes { name } } }"));
  const trained = customizedModels.nodes[0]?.name ?? "";
  expect(trained.replace(base, "")).toMatch(/^_train_\d{8}_1$/);
  await openFrom(walk, "/customized", trained);
  await walk.button("Save as complete model").click();
  await walk.dialog().getByPlaceholder(`${trained}_s_2`, { exact: true }).waitFor();
  await page.keyboard.press("Escape");

  await openFrom(walk, "/base-models", base);
  await walk.button("Deploy").click();
  await walk.dialog().getByRole("combobox", { name: "Precision" }).click();
  await page.getByRole("option", { name: /^int8/ }).click();
  const name = `${base}_d_1_int8`;
  expect(await readGeneratedName(walk, base, "DEPLOY", "INT8")).toBe(name);
  await walk.dialog().getByPlaceholder(name, { exact: true }).waitFor();
  await walk.button(/^Deploy /, walk.dialog()).click();
  await walk.heading(name).waitFor();
  await page.locator(".e-pill", { hasText: /^live$/ }).waitFor({ timeout: 600_000 });

  await walk.button(`Rename ${name}`).click();
  const field = page.getByLabel(`New name of ${name}`);
  await field.fill("support-router");
  await walk.button("Save name").click();
  await page
    .getByText('There already is a customized model named "support-router".', { exact: false })
    .waitFor();
  await walk.look("rename", { picture: false });
  await field.fill("small");
  await field.press("Enter");
  await walk.heading("small").waitFor();
  expect((await answerBy(walk, "small")).length).toBeGreaterThan(0);
  await expect(answerBy(walk, name)).rejects.toThrow();

  await walk.open("/live");
  await page.getByRole("row", { name: /small/ }).hover();
  await walk.button("Rename small").click();
  await page.getByLabel("New name of small").fill("smaller");
  await page.keyboard.press("Enter");
  await page.getByRole("table").getByRole("link", { name: "smaller", exact: true }).waitFor();
  expect((await readLive(walk, "smaller"))?.source).toEqual({ kind: "BASE", name: base });

  const rename =
    "mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { __typename ... on RenameSuccess { name } ... on UserError { code } } }";
  expect(await walk.act(rename, { id: trained, name: "triage" })).toMatchObject({ name: "triage" });
  await openFrom(walk, "/complete", `${trained}_s_1`);
  await page.getByRole("link", { name: "triage", exact: true }).first().waitFor();
  expect(await walk.act(rename, { id: "triage", name: "smaller" })).toMatchObject({ code: "NAME_TAKEN" });
  await walk.act('mutation { delete(id: "smaller") { __typename } }');
}
