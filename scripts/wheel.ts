// Fetches a wheel from PyPI and unpacks it, for machines without pip: bun scripts/wheel.ts NAME==VERSION FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { unzipSync } from "fflate";
import { sha256 } from "../src/kit/hash.ts";

const [wanted = "", folder] = process.argv.slice(2);
const [name, version] = wanted.split("==");
if (!name || !version || !folder) fail("say NAME==VERSION and a folder");
const page = await fetch(`https://pypi.org/simple/${name}/`);
if (!page.ok) fail(`${page.url} answers ${page.status}`);
const file = `${name.replaceAll("-", "_")}-${version}-`;
const link = [...(await page.text()).matchAll(/href="([^"]+\.whl)(?:#sha256=([0-9a-f]{64}))"/g)].find(
  ([, url]) => url?.split("/").pop()?.startsWith(file),
);
if (!link?.[1]) fail(`${page.url} has no wheel ${file}…`);
const answer = await fetch(new URL(link[1], page.url));
if (!answer.ok) fail(`${answer.url} answers ${answer.status}`);
const bytes = await answer.bytes();
if (sha256(bytes) !== link[2]) fail(`${answer.url} is not what PyPI says it is`);
for (const [path, content] of Object.entries(unzipSync(bytes))) {
  if (path.endsWith("/")) continue;
  if (path.startsWith("/") || normalize(path).startsWith("..")) fail(`${wanted} holds the path ${path}`);
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

function fail(why: string): never {
  console.error(`wheel: ${why}`);
  process.exit(1);
}
