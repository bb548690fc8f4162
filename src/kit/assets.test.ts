import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findAsset, listAssets, unpackAssets } from "./assets.ts";

const dir = mkdtempSync(join(tmpdir(), "espalier-assets-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("finds a file with its type and a strong validator", () => {
  const asset = findAsset("trainer/pyproject.toml");
  expect(asset?.etag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(new TextDecoder().decode(asset?.bytes())).toContain("[project]");
  expect(asset?.encodings).toEqual(["identity"]);
});

test.each([
  "trainer/../package.json",
  "trainer",
  "trainer/espalier_trainer",
  "/etc/passwd",
  "src/boot.ts",
  "trainer/no-such-file",
  "trainer/.venv/pyvenv.cfg",
  "trainer//pyproject.toml",
  "trainer/pyproject.toml\0",
  "constructor/x",
])("gives nothing for %p", (path) => {
  expect(findAsset(path)).toBeNull();
});

test("unpacks the trainer's package without its environment and tests", () => {
  const paths = listAssets("trainer");
  expect(paths).toContain("requirements.lock");
  expect(paths.filter((path) => /\.venv|tests\/|__pycache__/.test(path))).toEqual([]);
  expect(unpackAssets("trainer", dir)).toBe(paths.length);
  expect(unpackAssets("trainer", dir)).toBe(0);
  expect(statSync(join(dir, "requirements.lock")).size).toBeGreaterThan(0);
});
