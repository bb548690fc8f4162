// Lists that come in pages, read as one: pages of the UI search and sort what they have.

type Connection = { nodes: unknown[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/** The connections of an answer, or of its `node`, that can be read on: those asked for with their `pageInfo`. */
function connectionsOf(data: { node?: unknown }): [name: string, connection: Connection][] {
  const isConnection = (value: unknown): value is Connection =>
    typeof value === "object" && value !== null && "nodes" in value && "pageInfo" in value;
  return Object.entries({ ...(data.node ?? {}), ...data }).filter((entry): entry is [string, Connection] =>
    isConnection(entry[1]),
  );
}

/**
 * Asks, and asks again from the end of each connection until all are whole or `pages` were read; the first answer
 * comes back with everything in it. `ask` gets the cursors by the connections' names.
 */
export async function readOn<D extends object>(
  ask: (cursors: Record<string, string | null>) => Promise<D>,
  pages: number,
): Promise<D> {
  const data = await ask({});
  const whole = new Map(connectionsOf(data));
  for (let page = 1; page < pages && [...whole.values()].some((one) => one.pageInfo.hasNextPage); page++) {
    const cursors = [...whole].map(([name, { pageInfo }]) => [name, pageInfo.endCursor]);
    for (const [name, { nodes, pageInfo }] of connectionsOf(await ask(Object.fromEntries(cursors)))) {
      const sofar = whole.get(name);
      if (!sofar?.pageInfo.hasNextPage) continue;
      // An answer that does not move on would be asked for without end.
      if (pageInfo.endCursor === sofar.pageInfo.endCursor) throw new Error(`${name} does not move on`);
      sofar.nodes.push(...nodes);
      sofar.pageInfo = pageInfo;
    }
  }
  return data;
}
