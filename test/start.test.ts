// bin/start, bin/build and bin/prepare-trainer as a new user meets them: what is missing is said with its mend, and
// what can go on goes on. They run in a copy of this clone, with the executable that is there.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { sha256 } from "../src/kit/hash.ts";

setDefaultTimeout(120_000);
const root = join(import.meta.dir, "..");
const built = process.env.ESPALIER_BIN ?? join(root, "dist/espalier");
const dir = mkdtempSync(join(tmpdir(), "espalier-start-"));
const clone = join(dir, "clone");
/** Every command of this machine but those that a test takes away. */
const bare = join(dir, "bare");
const pin = /"bun@([\d.]+)"/.exec(readFileSync(join(root, "package.json"), "utf8"))?.[1] ?? "";
const torch = /^torch==(\S+)/m.exec(readFileSync(join(root, "trainer/requirements.lock"), "utf8"))?.[1] ?? "";
/** No index of packages answers, and none is configured. */
const noIndex = {
  PIP_CONFIG_FILE: "/dev/null",
  PIP_INDEX_URL: "http://127.0.0.1:9/simple",
  PIP_EXTRA_INDEX_URL: "",
  PIP_FIND_LINKS: "",
  PIP_RETRIES: "0",
};

beforeAll(() => {
  const listed = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  for (const path of listed.stdout.toString().split("\0").filter(Boolean)) {
    if (!existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    cpSync(join(root, path), join(clone, path));
  }
  mkdirSync(join(clone, "dist"));
  cpSync(built, join(clone, "dist/espalier"));
  mkdirSync(join(clone, "node_modules"));
  mkdirSync(join(clone, `.cache/tools/bun-${pin}`), { recursive: true });
  symlinkSync(process.execPath, join(clone, `.cache/tools/bun-${pin}/bun`));
  // What is there was built from these sources: as after a first start.
  const stamped = Bun.spawnSync(
    [
      "sh",
      "-c",
      '. bin/lib.sh; set_stamp executable "$(sources_hash)"; set_stamp packages "$(cat bun.lock package.json | sha256_of | cut -c1-64)"',
    ],
    { cwd: clone, env: { ...process.env, ROOT: clone } },
  );
  expect(stamped.stderr.toString()).toBe("");
  mkdirSync(bare);
  for (const folder of ["/bin", "/usr/bin"])
    for (const name of readdirSync(folder))
      if (!/^(python|pip|node|npm|npx|bun)/.test(name) && !existsSync(join(bare, name)))
        symlinkSync(join(folder, name), join(bare, name));
  // What a build and a trainer leave must not look like a change of the sources, or every second start builds.
  for (const left of ["web/dist/index.html", "trainer/espalier_trainer/__pycache__/files.pyc"]) {
    mkdirSync(dirname(join(clone, left)), { recursive: true });
    writeFileSync(join(clone, left), "left behind");
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Options = { env?: Record<string, string>; cwd?: string };

function start(script: string, args: readonly string[], { env = {}, cwd = clone }: Options = {}) {
  return Bun.spawn([join(cwd, "bin", script), ...args], {
    cwd: dir,
    env: { PATH: process.env.PATH ?? "", HOME: dir, XDG_CACHE_HOME: join(dir, "cache"), TMPDIR: dir, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(script: string, args: readonly string[], options?: Options) {
  const child = start(script, args, options);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, said: stdout + stderr };
}

/** A bin/start that serves: its page, what it said so far, and its end. */
async function serving(args: readonly string[], options?: Options) {
  const began = performance.now();
  const child = start("start", ["--no-open", "--no-sample", "--port", "0", ...args], options);
  let text = "";
  const decoder = new TextDecoder();
  const drain = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const part of stream) text += decoder.decode(part);
  };
  const drained = Promise.all([drain(child.stdout), drain(child.stderr)]);
  const said = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(text)) {
      if (child.exitCode !== null) throw new Error(`bin/start ended with ${child.exitCode}: ${text}`);
      await Bun.sleep(20);
    }
    return pattern.exec(text)?.[1] ?? "";
  };
  const page = await said(/ready: (http\S+)/);
  const status = (await fetch(page)).status;
  const pageMs = performance.now() - began;
  return {
    pageMs,
    status,
    said,
    async stop(signal: NodeJS.Signals): Promise<{ code: number; ms: number; left: string[] }> {
      const asked = performance.now();
      child.kill(signal);
      const code = await child.exited;
      const ms = performance.now() - asked;
      await drained;
      return { code, ms, left: inClone() };
    },
  };
}

/** Command lines of processes that have to do with the copy. */
function inClone(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(clone));
}

test("a second start shows its first page in under 2 s, and a signal ends all of it", async () => {
  const server = await serving(["--no-trainer", "--data", join(dir, "data-second")]);
  expect(server.status).toBe(200);
  expect(server.pageMs).toBeLessThan(2_000);
  const { code, ms, left } = await server.stop("SIGINT");
  expect({ code, left }).toEqual({ code: 0, left: [] });
  expect(ms).toBeLessThan(2_000);
});

const without = {
  "no Python at all": [
    { PATH: bare },
    /no Python 3\.11 found; tried: python3\.11\(not found\) python3\(not found\)/,
  ],
  "a Python that is too old": [{ ESPALIER_PYTHON: join(dir, "old") }, /tried: \S*old\(3\.8\)/],
  "a Python without pip's packages in reach": [noIndex, /no CPU build torch==\S+\+cpu in pip's sources/],
} as const;
for (const [name, [env, why]] of Object.entries(without))
  test(`with ${name} it says why, with the mend, and serves without a trainer`, async () => {
    writeFileSync(join(dir, "old"), "#!/bin/sh\necho 3.8\n", { mode: 0o755 });
    const server = await serving(["--data", join(dir, "data-without")], { env });
    expect(server.status).toBe(200);
    await server.said(why);
    await server.said(/mend: {3}\S/);
    await server.said(/going on without a trainer/);
    expect(await server.stop("SIGTERM")).toMatchObject({ code: 0, left: [] });
  });

test("the page is there while the environment is prepared; Ctrl-C in the middle leaves nothing that runs, and the next start begins it anew", async () => {
  // An index that takes every question and never answers: pip waits in the middle of its work.
  const silent = Bun.serve({ port: 0, idleTimeout: 0, fetch: () => new Promise<Response>(() => undefined) });
  try {
    const env = { ...noIndex, PIP_INDEX_URL: `http://127.0.0.1:${silent.port}/simple`, PIP_TIMEOUT: "60" };
    const data = ["--data", join(dir, "data-half")];
    const first = await serving(data, { env });
    expect(first.status).toBe(200);
    await first.said(/(virtual environment): done/);
    while (!inClone().some((line) => line.includes("-m pip"))) await Bun.sleep(20);
    const { code, ms, left } = await first.stop("SIGINT");
    expect({ code, left }).toEqual({ code: 0, left: [] });
    expect(ms).toBeLessThan(2_000);
    expect(existsSync(join(clone, "trainer/.venv/espalier.stamp"))).toBe(false);

    writeFileSync(join(clone, "trainer/.venv/half"), "");
    const second = await serving(data, { env });
    await second.said(/(virtual environment): done/);
    expect(existsSync(join(clone, "trainer/.venv/half"))).toBe(false);
    expect(await second.stop("SIGTERM")).toMatchObject({ code: 0, left: [] });
  } finally {
    await silent.stop(true);
  }
});

/** A wheel that pip believes: its metadata and nothing else. */
function wheel(name: string, version: string, requires: string[] = []): Uint8Array<ArrayBuffer> {
  const info = `${name}-${version}.dist-info`;
  const text = (lines: string[]): Uint8Array => new TextEncoder().encode(`${lines.join("\n")}\n`);
  const needs = requires.map((one) => `Requires-Dist: ${one}`);
  return new Uint8Array(
    zipSync({
      [`${info}/METADATA`]: text(["Metadata-Version: 2.1", `Name: ${name}`, `Version: ${version}`, ...needs]),
      [`${info}/WHEEL`]: text([
        "Wheel-Version: 1.0",
        "Generator: test",
        "Root-Is-Purelib: true",
        "Tag: py3-none-any",
      ]),
      [`${info}/RECORD`]: text([`${info}/METADATA,,`, `${info}/WHEEL,,`, `${info}/RECORD,,`]),
    }),
  );
}

test("without an NVIDIA device it stops rather than fetch nvidia-* packages", async () => {
  const wheels = new Map([
    [`torch-${torch}+cpu-py3-none-any.whl`, wheel("torch", `${torch}+cpu`, ["nvidia-cublas"])],
    ["nvidia_cublas-1.0-py3-none-any.whl", wheel("nvidia_cublas", "1.0")],
  ]);
  const fetched: string[] = [];
  const index = Bun.serve({
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const file = decodeURIComponent(pathname.split("/").pop() ?? "");
      const bytes = wheels.get(file);
      if (bytes) {
        fetched.push(file);
        return new Response(bytes);
      }
      const links = [...wheels].map(
        ([name, held]) => `<a href="/files/${encodeURIComponent(name)}#sha256=${sha256(held)}">${name}</a>`,
      );
      const project = /\/simple\/([^/]+)/.exec(pathname)?.[1]?.replaceAll("-", "_") ?? "none";
      const page = links.filter((link) => link.includes(`>${project}-`)).join("\n");
      return page === ""
        ? new Response("", { status: 404 })
        : new Response(page, { headers: { "content-type": "text/html" } });
    },
  });
  try {
    const env = { ...noIndex, PIP_INDEX_URL: `http://127.0.0.1:${index.port}/simple`, ESPALIER_TORCH: "cpu" };
    const { code, said } = await run("prepare-trainer", ["--venv", join(dir, "venv-nvidia")], { env });
    expect(said).toContain("pip wants to install nvidia-* packages");
    expect(said).toContain("mend:");
    expect(code).toBe(1);
    expect(fetched).toContain(`torch-${torch}+cpu-py3-none-any.whl`);
    expect(existsSync(join(dir, "venv-nvidia/espalier.stamp"))).toBe(false);
    expect(
      readdirSync(join(dir, "venv-nvidia/lib/python3.11/site-packages")).filter((name) =>
        /nvidia|torch/.test(name),
      ),
    ).toEqual([]);
  } finally {
    await index.stop(true);
  }
});

test("of two preparations of one environment one waits, and finds it made or makes it", async () => {
  const venv = join(dir, "venv-two");
  const silent = Bun.serve({ port: 0, idleTimeout: 0, fetch: () => new Promise<Response>(() => undefined) });
  try {
    const env = { ...noIndex, PIP_INDEX_URL: `http://127.0.0.1:${silent.port}/simple`, PIP_TIMEOUT: "60" };
    const first = start("prepare-trainer", ["--venv", venv], { env });
    while (!existsSync(join(venv, "bin/python"))) await Bun.sleep(20);
    const second = start("prepare-trainer", ["--venv", venv], { env });
    const { value } = await second.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toContain("another process prepares");
    for (const child of [second, first]) {
      child.kill("SIGTERM");
      expect(await child.exited).toBe(143);
    }
    expect(inClone()).toEqual([]);
  } finally {
    await silent.stop(true);
  }
});

test("with neither Bun nor npm it says what to install", async () => {
  rmSync(join(clone, ".cache/tools"), { recursive: true });
  const { code, said } = await run("start", ["--no-open"], { env: { PATH: bare } });
  symlinkTool();
  expect(code).toBe(1);
  expect(said).toContain(`neither Bun ${pin} nor npm was found`);
  expect(said).toMatch(/mend: {3}install Node\.js with npm/);
});

function symlinkTool(): void {
  mkdirSync(join(clone, `.cache/tools/bun-${pin}`), { recursive: true });
  symlinkSync(process.execPath, join(clone, `.cache/tools/bun-${pin}/bun`));
}

test("a port that is taken is named with the mend", async () => {
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  try {
    const args = ["--no-open", "--no-trainer", "--no-sample", "--data", join(dir, "data-port")];
    const { code, said } = await run("start", [...args, "--port", String(holder.port)]);
    expect(code).toBe(4);
    expect(said).toContain(`Port ${holder.port} of 127.0.0.1 cannot be used`);
    expect(said).toContain("choose another one");
  } finally {
    holder.stop(true);
  }
});

test("a data folder that cannot be made is named with the mend", async () => {
  const { code, said } = await run("start", [
    "--no-open",
    "--no-trainer",
    "--no-sample",
    "--data",
    "/proc/no",
    "--port",
    "0",
  ]);
  expect(code).toBe(1);
  expect(said).toContain("/proc/no");
  expect(said).toContain("--data");
});

const isRoot = process.getuid?.() === 0;
test("a clone that cannot be written is named with the mend", async () => {
  // Root may write anywhere: it becomes nobody for this.
  const readOnly = join(dir, "read-only");
  mkdirSync(readOnly, { mode: 0o755 });
  for (const name of ["bin", "package.json"])
    cpSync(join(clone, name), join(readOnly, name), { recursive: true });
  chmodSync(dir, 0o755);
  if (!isRoot) chmodSync(readOnly, 0o555);
  const asNobody = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  for (const script of ["start", "build", "test"]) {
    const child = Bun.spawnSync([...asNobody, join(readOnly, "bin", script)], {
      env: { PATH: process.env.PATH ?? "" },
    });
    const said = child.stderr.toString();
    expect({ script, code: child.exitCode, said }).toMatchObject({ script, code: 1 });
    expect(said).toContain(`the folder ${readOnly} cannot be written to`);
    expect(said).toContain("mend:");
  }
});

test.each(["start", "build", "test", "prepare-trainer"])(
  "bin/%s --help says its options; an unknown one is code 2",
  async (script) => {
    const { code, said } = await run(script, ["--help"]);
    expect(code).toBe(0);
    expect(said).toContain(`bin/${script}`);
    const rest = script === "start" ? ["--no-sample", "--no-trainer"] : [];
    expect((await run(script, ["--no-such-option", ...rest])).code).toBe(2);
  },
);

test.each(["--mistyped", "--log=warn"])(
  "bin/start %s is refused before anything is fetched or built",
  async (wrong) => {
    const fresh = join(dir, "fresh");
    mkdirSync(join(fresh, "src/cli"), { recursive: true });
    cpSync(join(clone, "bin"), join(fresh, "bin"), { recursive: true });
    cpSync(join(clone, "src/cli/declare-local.ts"), join(fresh, "src/cli/declare-local.ts"));
    // It has only what it reads: anything else that it tried would fail in another way.
    const { code, said } = await run("start", ["--port", "0", "--log-level=warn", wrong], { cwd: fresh });
    expect({ code, said }).toEqual({
      code: 2,
      said: `start: unknown option ${wrong} (try --help, and espalier serve --help)\n`,
    });
  },
);

test("bin/test passes nothing vacuously: no test, a skip where none is allowed and a missing file count as failed", async () => {
  const write = (name: string, text: string): void =>
    writeFileSync(join(clone, `${name}.test.ts`), `import { test } from "bun:test";\n${text}\n`);
  write("passes", 'test("a", () => {});');
  write("empty", "void test;");
  write("skips", 'test("a", () => {}); test.skip("b", () => {});');
  const last = async (...args: string[]): Promise<[number, string]> => {
    const { code, said } = await run("test", ["--quick", ...args], { env: noIndex });
    return [
      code,
      said
        .trimEnd()
        .split("\n")
        .find((line) => /^\d+ passed/.test(line)) ?? said,
    ];
  };
  expect(await last("./passes.test.ts")).toEqual([0, "1 passed, 0 failed"]);
  expect(await last("./skips.test.ts")).toEqual([0, "1 passed, 0 failed, 1 skipped"]);
  expect(await last("--no-skip", "./skips.test.ts")).toEqual([1, "1 passed, 1 failed"]);
  expect(await last("./empty.test.ts")).toEqual([1, "0 passed, 1 failed"]);
  expect(await last("./nowhere.test.ts")).toEqual([1, "0 passed, 1 failed"]);
});
