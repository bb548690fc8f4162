// What a trainer said of its machine when it checked in.
import { z } from "zod";

const said = z.object({
  host: z.looseObject({ memoryBytes: z.number().nullish() }).default({}),
  devices: z.array(
    z.looseObject({ kind: z.string(), name: z.string().nullish(), memoryBytes: z.number().nullish() }),
  ),
});

/** Its memory and devices; none where it said so in a way that is not understood. */
export function deviceList(devices: unknown): z.infer<typeof said> {
  const read = said.safeParse(devices);
  return read.success ? read.data : { host: {}, devices: [] };
}
