// Which addresses may be called: public ones, private ones once confirmed, and those that never may.
import ipaddr from "ipaddr.js";

export type AddressClass = "public" | "private" | "forbidden";

const PRIVATE = new Set(["private", "loopback", "uniqueLocal", "carrierGradeNat"]);
/** Metadata and host services of clouds that lie outside the link-local ranges: AWS, Alibaba, Azure. */
const METADATA = new Set(["fd00:ec2::254", "100.100.100.200", "168.63.129.16"]);

/** What may be done with an IP address, in any notation; what is no address is forbidden. */
export function classify(address: string): AddressClass {
  if (!ipaddr.isValid(address)) return "forbidden";
  const parsed = ipaddr.process(address);
  // Translated addresses reach the IPv4 host that they hold.
  if (parsed instanceof ipaddr.IPv6 && parsed.range() === "rfc6052")
    return classify(parsed.toByteArray().slice(12).join("."));
  if (METADATA.has(parsed.toString())) return "forbidden";
  const range = parsed.range();
  if (range === "unicast") return "public";
  return PRIVATE.has(range) ? "private" : "forbidden";
}
