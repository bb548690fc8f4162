// The way out: which addresses are called, that the checked one is the one connected to, waits, redirects, limits.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { now } from "../../kit/clock.ts";
import { classify } from "./addresses.ts";
import { createOutbound, type OutboundRules, retryAfterMs } from "./outbound.ts";

test.each([
  ["8.8.8.8", "public"],
  ["2606:4700::1111", "public"],
  ["127.0.0.1", "private"],
  ["127.8.9.1", "private"],
  ["::1", "private"],
  ["10.1.2.3", "private"],
  ["172.31.0.1", "private"],
  ["172.32.0.1", "public"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["fd12:3456::1", "private"],
  ["::ffff:127.0.0.1", "private"],
  ["::ffff:169.254.169.254", "forbidden"],
  ["64:ff9b::a9fe:a9fe", "forbidden"],
  ["64:ff9b::808:808", "public"],
  ["169.254.169.254", "forbidden"],
  ["169.254.0.1", "forbidden"],
  ["fe80::1", "forbidden"],
  ["fd00:ec2::254", "forbidden"],
  ["100.100.100.200", "forbidden"],
  ["168.63.129.16", "forbidden"],
  ["0.0.0.0", "forbidden"],
  ["::", "forbidden"],
  ["224.0.0.1", "forbidden"],
  ["255.255.255.255", "forbidden"],
  ["192.0.0.192", "forbidden"],
  ["2002:7f00:1::", "forbidden"],
  ["not an address", "forbidden"],
] as const)("%s is %s", (address, wanted) => {
  expect(classify(address)).toBe(wanted);
});

test.each([
  [{ "retry-after": "7" }, 7000],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after": new Date(now() + 5000).toUTCString() }, "soon"],
  [{ "retry-after": "Mon, 01 Jan 2001 00:00:00 GMT" }, 0],
  [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
  [{ "retry-after": "later" }, null],
  [{ "retry-after": "-3" }, "past"],
  [{}, null],
] as const)("Retry-After of %p", (headers, wanted) => {
  const ms = retryAfterMs(new Headers(headers), now());
  if (wanted === "soon") expect(ms).toBeWithin(3000, 5001);
  else if (wanted === "past") expect(ms ?? 0).toBe(0);
  else expect(ms).toBe(wanted);
});

describe("calls", () => {
  let dir: string;
  let server: ReturnType<typeof Bun.serve>;
  let secure: ReturnType<typeof Bun.serve>;
  let ca: string;
  const seen: { path: string; host: string | null; auth: string | null; method: string }[] = [];
  let busy = 0;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "espalier-out-"));
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    const made = Bun.spawnSync(
      [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        cert,
        "-days",
        "2",
      ].concat(["-subj", "/CN=api.example.test", "-addext", "subjectAltName=DNS:api.example.test"]),
    );
    expect(made.exitCode).toBe(0);
    ca = readFileSync(cert, "utf8");
    const answer = async (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url);
      const { headers, method } = request;
      seen.push({ path: pathname, host: headers.get("host"), auth: headers.get("authorization"), method });
      if (pathname === "/busy" && busy-- > 0) return new Response("busy", { status: 503 });
      if (pathname === "/elsewhere")
        return Response.redirect(`http://other.example.test:${server.port}/landed`, 307);
      if (pathname === "/loop") return Response.redirect("/loop", 302);
      if (pathname === "/slow") await Bun.sleep(5_000);
      return new Response(`${method} ${await request.text()}`);
    };
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    secure = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch: answer,
    });
  });
  afterAll(async () => {
    await server.stop(true);
    await secure.stop(true);
    rmSync(dir, { recursive: true, force: true });
  });

  const asked: string[] = [];
  const outbound = (resolve: (host: string) => Promise<string[]> = async () => ["127.0.0.1"]) =>
    createOutbound({ clock: now, ca, resolve: async (host) => (asked.push(host), resolve(host)) });
  const rules = (more: Partial<OutboundRules> = {}): OutboundRules => ({
    name: "it",
    isConfirmed: async () => true,
    timeoutMs: 2_000,
    ...more,
  });
  const post = { method: "POST", body: "hello", headers: { authorization: "Bearer k" } };

  test("the checked address is the one connected to: no name is looked up a second time", async () => {
    asked.length = 0;
    let answers = 0;
    const call = outbound(async () => [answers++ === 0 ? "127.0.0.1" : "169.254.169.254"]).fetchFor(rules());
    const response = await call(`http://api.example.test:${server.port}/x`, post);
    expect(await response.text()).toBe("POST hello");
    expect(asked).toEqual(["api.example.test"]);
    expect(seen.at(-1)).toMatchObject({ host: `api.example.test:${server.port}`, auth: "Bearer k" });
    // The next call looks again, and sees where the name leads now.
    await expect(call(`http://api.example.test:${server.port}/x`, post)).rejects.toMatchObject({
      code: "ADDRESS_FORBIDDEN",
    });
  });

  test("a certificate must be the host's own, whatever the address", async () => {
    const call = outbound().fetchFor(rules());
    const good = await call(`https://api.example.test:${secure.port}/x`, post);
    expect(await good.text()).toBe("POST hello");
    await expect(call(`https://evil.example.test:${secure.port}/x`, post)).rejects.toMatchObject({
      code: "PROVIDER_UNREACHABLE",
    });
  });

  test("one forbidden address among several is enough, and a private one needs to be confirmed for its port", async () => {
    const mixed = outbound(async () => ["8.8.8.8", "169.254.169.254"]).fetchFor(rules());
    await expect(mixed("http://api.example.test/x")).rejects.toMatchObject({ code: "ADDRESS_FORBIDDEN" });
    const places: string[] = [];
    const isConfirmed = async (host: string, port: number): Promise<boolean> => {
      places.push(`${host}:${port}`);
      return port === server.port;
    };
    const call = outbound().fetchFor(rules({ isConfirmed }));
    expect((await call(`http://local.test:${server.port}/x`, post)).status).toBe(200);
    await expect(call("https://local.test/x", post)).rejects.toMatchObject({
      code: "ADDRESS_PRIVATE",
      value: "local.test:443",
    });
    expect(places).toEqual([`local.test:${server.port}`, "local.test:443"]);
  });

  test.each([
    ["http://user:pass@api.example.test/", "URL_INVALID"],
    ["file:///etc/passwd", "URL_INVALID"],
    ["gopher://api.example.test/", "URL_INVALID"],
    ["no url", "URL_INVALID"],
  ])("%s is not called", async (url, code) => {
    await expect(outbound().fetchFor(rules())(url)).rejects.toMatchObject({ code });
  });

  test("numbers that mean an address are read as one", async () => {
    const real = createOutbound({ clock: now }).fetchFor(rules({ isConfirmed: async () => false }));
    for (const url of ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::ffff:7f00:1]/"])
      await expect(real(url)).rejects.toMatchObject({ code: "ADDRESS_PRIVATE" });
    await expect(real("http://2852039166/")).rejects.toMatchObject({ code: "ADDRESS_FORBIDDEN" });
  });

  test("a redirect to another origin takes no key along", async () => {
    const response = await outbound().fetchFor(rules())(
      `http://api.example.test:${server.port}/elsewhere`,
      post,
    );
    expect(await response.text()).toBe("POST hello");
    expect(seen.at(-1)).toMatchObject({ path: "/landed", auth: null, method: "POST" });
    await expect(
      outbound().fetchFor(rules())(`http://api.example.test:${server.port}/loop`),
    ).rejects.toMatchObject({
      code: "PROVIDER_REDIRECTS",
    });
  });

  test("what is busy for a moment is asked again, and silence has an end", async () => {
    busy = 2;
    const call = outbound().fetchFor(rules({ timeoutMs: 1_000 }));
    expect((await call(`http://api.example.test:${server.port}/busy`, post)).status).toBe(200);
    busy = 3;
    expect((await call(`http://api.example.test:${server.port}/busy`, post)).status).toBe(503);
    await expect(call(`http://api.example.test:${server.port}/slow`, post)).rejects.toMatchObject({
      code: "PROVIDER_TIMEOUT",
    });
  }, 15_000);

  test("requests beyond a provider's rate are refused with the wait, each provider by itself", async () => {
    const out = outbound();
    const limited = { requestsPerMinute: 2, paceKey: "a" };
    const call = out.fetchFor(rules(limited));
    const url = `http://api.example.test:${server.port}/x`;
    await call(url, post);
    await call(url, post);
    await expect(call(url, post)).rejects.toMatchObject({ code: "PROVIDER_RATE_LIMITED", status: 429 });
    expect((await out.fetchFor(rules({ ...limited, paceKey: "b" }))(url, post)).status).toBe(200);
  });

  test("a caller that leaves ends the call", async () => {
    const leaving = new AbortController();
    const call = outbound().fetchFor(rules())(`http://api.example.test:${server.port}/slow`, {
      signal: leaving.signal,
    });
    leaving.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
  });
});
