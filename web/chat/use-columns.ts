// The columns of the chat and the address that names them: who answers in each, and which conversation each shows.
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { z } from "zod";
import { refreshAll } from "../api/data.ts";
import { branchBefore, createColumn, useColumn, useStreaming } from "./column.ts";
import type { ChatSettings } from "./settings.ts";
import type { Shown } from "./use-pictures.ts";

/** Most columns; the server allows as many. */
export const MOST_COLUMNS = 4;

const searchShape = z.object({
  /** One model, as links say it. */
  model: z.string().optional(),
  /** The columns' models, parted by commas, each percent-encoded. */
  models: z.string().optional(),
  /** Shows a conversation without those beside it. */
  alone: z.string().optional(),
  /** Hides the names until a vote. */
  blind: z.string().optional(),
});

type KnownModel = { name: string; usable: boolean; abilities: readonly string[] };

/** Drives the columns. `settingsOf` says the parameters of a column. */
export function useColumns(known: readonly KnownModel[], settingsOf: (index: number) => ChatSettings) {
  const { id } = z.object({ id: z.string().optional() }).parse(useParams({ strict: false }));
  const search = searchShape.parse(useSearch({ strict: false }));
  const navigate = useNavigate();
  const [all] = useState(() => [createColumn(), createColumn(), createColumn(), createColumn()] as const);
  const [first] = all;
  const lead = useColumn(first);
  const beside = search.alone ? [] : lead.beside;

  useEffect(() => first.open(id ?? null), [first, id]);
  const joined = beside.join();
  useEffect(() => {
    const ids = joined === "" ? [] : joined.split(",");
    for (const [index, column] of all.slice(1).entries()) column.open(ids[index] ?? null);
  }, [all, joined]);

  // An empty name is a column whose model was not known yet.
  const named = (search.models ?? search.model)?.split(",").map((name) => decodeURIComponent(name)) ?? [];
  const count = Math.min(MOST_COLUMNS, Math.max(1, named.length, 1 + beside.length));
  const columns = all.slice(0, count);
  const isStreaming = useStreaming(columns).replaceAll(",", "") !== "";

  const isKnown = (name: string | undefined) => known.some((one) => one.name === name);
  const models: (string | null)[] = [];
  for (const [index, column] of columns.entries()) {
    const wanted = [named[index], column.read().models.at(-1)].find(isKnown);
    const usable = known.filter((one) => one.usable);
    const fresh = usable.find((one) => !models.includes(one.name)) ?? usable[0];
    models.push(wanted ?? fresh?.name ?? null);
  }

  const setSearch = (change: Record<string, string | undefined>) =>
    navigate({
      to: ".",
      search: (old: Record<string, unknown>) => ({ ...old, model: undefined, ...change }),
      replace: true,
    });
  const setModels = (names: (string | null)[]) => setSearch({ models: encoded(names) });

  const sees = (name: string | null) =>
    known.find((one) => one.name === name)?.abilities.includes("VISION") ?? false;
  /** Columns that could not take a message now: their model takes no pictures, and there would be some. */
  const blindTo = (hasPictures: boolean): number[] =>
    columns.flatMap((column, index) => {
      const before = branchBefore(column.read()).some(({ pictures = [] }) => pictures.length > 0);
      return (hasPictures || before) && !sees(models[index] ?? null) ? [index] : [];
    });

  const hasBegun = lead.conversationId !== null;
  const wantsBlind = !hasBegun && search.blind === "1" && count > 1;

  const address = useCallback(
    async (made: string, isBlind: boolean) => {
      await navigate({
        to: `/chat/${made}`,
        // In a blind comparison the address must not tell who answers where.
        search: (old: Record<string, unknown>) => ({
          ...old,
          blind: undefined,
          ...(isBlind ? { model: undefined, models: undefined } : {}),
        }),
        replace: true,
      });
    },
    [navigate],
  );

  /** Says a text in every column: the first conversation leads the others. Says whether every column took it. */
  async function send(
    text: string,
    pictures: readonly Shown[],
    knowledgeBases: readonly string[] | null,
  ): Promise<boolean> {
    const names = wantsBlind ? shuffled(models) : models;
    let isTaken = true;
    let besideId: string | null = null;
    // One after the other: the first names the conversation that leads, and shows it in the address.
    for (const [index, column] of columns.entries()) {
      const model = names[index];
      if (!model) return false;
      const isNew = column.read().conversationId === null;
      const saying = {
        text,
        pictures,
        model,
        settings: settingsOf(index),
        besideId,
        isBlind: wantsBlind,
        knowledgeBases,
      };
      const refused = await column.send(saying).then(
        () => false,
        () => true,
      );
      if (refused && index === 0) return false;
      isTaken &&= !refused;
      const made = column.read().conversationId;
      if (index === 0) {
        besideId = made;
        if (isNew && made) await address(made, wantsBlind);
      } else if (isNew && made) first.join(made);
    }
    refreshAll();
    return isTaken;
  }

  return {
    id: id ?? null,
    columns,
    models,
    isStreaming,
    hasBegun,
    /** Ids of the knowledge bases that the first column answers from. */
    knowledgeBases: lead.knowledgeBases,
    /** Whether the reader made the conversation, and who did. */
    isMine: lead.isMine,
    maker: lead.maker,
    wantsBlind,
    /** Whether the names are hidden now. */
    isHidden: count > 1 && lead.isBlind,
    blindTo,
    send,
    stop: () => {
      for (const column of columns) column.stop();
    },
    setModel: (index: number, name: string) => setModels(models.with(index, name)),
    addModel: () => {
      const fresh = known.find((one) => one.usable && !models.includes(one.name));
      return setModels([...models, fresh?.name ?? models[0] ?? null]);
    },
    removeModel: (index: number) => setModels(models.filter((_, at) => at !== index)),
    setBlind: (isOn: boolean) => setSearch({ blind: isOn ? "1" : undefined, models: encoded(models) }),
  };
}

function encoded(names: readonly (string | null)[]): string {
  return names.map((name) => encodeURIComponent(name ?? "")).join(",");
}

/** The same in an order that nobody can foresee. */
function shuffled<T>(items: readonly T[]): T[] {
  const drawn = crypto.getRandomValues(new Uint32Array(items.length));
  return items
    .map((item, index) => ({ item, place: drawn[index] ?? 0 }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
