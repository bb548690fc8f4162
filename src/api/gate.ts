// Who may knock at all: known Host names and our own pages' Origin, against DNS rebinding and foreign sites.
import { networkInterfaces } from "node:os";
import { EspalierError } from "../kit/errors.ts";

export type Gate = {
  /** @throws EspalierError HOST_UNKNOWN (421) or ORIGIN_REFUSED (403). */
  check(request: Request): void;
};

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const ANY = ["0.0.0.0", "::", "[::]"];

/**
 * A gate for a server listening on `host` and known outside as `publicUrl`. Listening on every address admits the
 * addresses of this machine's interfaces, but no names: those need `publicUrl`.
 */
export function createGate({ host, publicUrl }: { host: string; publicUrl?: string | undefined }): Gate {
  const hosts = new Set(LOOPBACK);
  if (ANY.includes(host)) for (const address of ownAddresses()) hosts.add(address);
  else hosts.add(host.includes(":") && !host.startsWith("[") ? `[${host}]` : host.toLowerCase());
  const publicOrigin = publicUrl === undefined ? null : new URL(publicUrl).origin;
  if (publicUrl !== undefined) hosts.add(new URL(publicUrl).hostname.toLowerCase());

  return {
    check(request) {
      const said = request.headers.get("host") ?? new URL(request.url).host;
      const name = hostname(said);
      if (name === null || !hosts.has(name))
        throw new EspalierError(
          "HOST_UNKNOWN",
          `this server does not answer to the name "${said.slice(0, 200)}"`,
          {
            hint: "Start it with --public-url for the address by which you reach it.",
            field: "Host",
            value: said.slice(0, 200),
            status: 421,
          },
        );
      const origin = request.headers.get("origin");
      if (origin === null || origin === publicOrigin) return;
      if (origin === `http://${said}` || origin === `https://${said}`) return;
      throw new EspalierError("ORIGIN_REFUSED", `pages of ${origin.slice(0, 200)} may not use this server`, {
        hint: "Open the server's own page; where it has another address, start it with --public-url.",
        field: "Origin",
        value: origin.slice(0, 200),
        status: 403,
      });
    },
  };
}

function hostname(host: string): string | null {
  try {
    return new URL(`http://${host}`).hostname.toLowerCase();
  } catch {
    return null;
  }
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address, family }) => (family === "IPv6" ? `[${address.replace(/%.*$/, "")}]` : address));
}
