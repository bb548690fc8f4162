// The gate: which Host names and Origins get in, for each way of listening.
import { expect, test } from "bun:test";
import { isEspalierError } from "../kit/errors.ts";
import { createGate } from "./gate.ts";

type Gated = { host: string; publicUrl?: string };
function codeFor(listen: Gated, host: string, origin?: string): string {
  const headers = new Headers({ host, ...(origin ? { origin } : {}) });
  try {
    createGate(listen).check(new Request("http://placeholder/", { headers }));
    return "in";
  } catch (error) {
    return isEspalierError(error) ? error.code : String(error);
  }
}

const loopback = { host: "127.0.0.1" };
const outside = { host: "0.0.0.0", publicUrl: "https://models.example" };
const cases: [what: string, listen: Gated, host: string, origin: string | undefined, expected: string][] = [
  ["loopback by number", loopback, "127.0.0.1:7420", undefined, "in"],
  ["loopback by name", loopback, "localhost:7420", undefined, "in"],
  ["loopback IPv6", loopback, "[::1]:7420", undefined, "in"],
  [
    "a name that resolves to loopback (DNS rebinding)",
    loopback,
    "evil.example:7420",
    undefined,
    "HOST_UNKNOWN",
  ],
  ["a name that begins like ours", loopback, "localhost.evil.example", undefined, "HOST_UNKNOWN"],
  ["no host that could be read", loopback, "::::", undefined, "HOST_UNKNOWN"],
  ["our own page", loopback, "localhost:7420", "http://localhost:7420", "in"],
  ["a page of another port", loopback, "localhost:7420", "http://localhost:3000", "ORIGIN_REFUSED"],
  ["a sandboxed page", loopback, "localhost:7420", "null", "ORIGIN_REFUSED"],
  ["the public name", outside, "models.example", undefined, "in"],
  ["the public page", outside, "models.example", "https://models.example", "in"],
  [
    "the public page through a proxy that rewrites Host",
    outside,
    "127.0.0.1:7420",
    "https://models.example",
    "in",
  ],
  ["another name on a server open to all addresses", outside, "other.example", undefined, "HOST_UNKNOWN"],
];
for (const [what, listen, host, origin, expected] of cases)
  test(what, () => {
    expect(codeFor(listen, host, origin)).toBe(expected);
  });
