// Pictures chosen for the next message: sent to the server one by one as they come, taken out again, handed over.
import { useRef, useState } from "react";
import { act } from "../api/client.ts";
import { type Problem, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { addPicture } from "./queries.ts";

/** Most pictures of one message; the server allows as many. */
const MOST_PICTURES = 8;
/** What the server reads; by their bytes, whatever they are called. */
export const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/** A picture of a message as the server keeps it. */
export type Shown = { id: string; name: string; width: number; height: number; url: string };
/** One that is chosen: on its way, kept, or refused. */
export type Chosen = {
  key: string;
  name: string;
  url: string;
  kept: Shown | null;
  problem: Problem | null;
};

/** The pictures among dropped or pasted files. */
export function picturesIn(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
}

export function usePictures() {
  const [all, setAll] = useState<readonly Chosen[]>([]);
  const [isFull, setFull] = useState(false);
  const count = useRef(0);

  async function send(key: string, file: File): Promise<void> {
    const change = (how: Partial<Chosen>) =>
      setAll((old) => old.map((one) => (one.key === key ? { ...one, ...how } : one)));
    try {
      const { picture } = await act(addPicture, { input: { name: file.name, file } });
      change({ kept: picture });
    } catch (thrown) {
      change({ problem: toProblem(thrown) });
    }
  }

  return {
    all,
    isSending: all.some(({ kept, problem }) => !kept && !problem),
    /** What happened to pictures that were not taken; null where all were. */
    note: isFull
      ? t("A message has at most {{n}} pictures; the others were left out.", { n: MOST_PICTURES })
      : null,
    hasFailed: all.some(({ problem }) => problem !== null),
    kept: all.flatMap(({ kept }) => (kept ? [kept] : [])),
    add(files: readonly File[]): void {
      const room = Math.max(0, MOST_PICTURES - all.length);
      setFull(files.length > room);
      const fresh = files.slice(0, room).map((file) => ({ file, key: `picture-${++count.current}` }));
      setAll([
        ...all,
        ...fresh.map(({ file, key }) => ({
          key,
          name: file.name,
          url: URL.createObjectURL(file),
          kept: null,
          problem: null,
        })),
      ]);
      for (const { file, key } of fresh) void send(key, file);
    },
    remove(key: string): void {
      const gone = all.find((one) => one.key === key);
      if (gone) URL.revokeObjectURL(gone.url);
      setFull(false);
      setAll(all.filter((one) => one.key !== key));
    },
    /** Takes all of them out, and returns what puts them back. */
    take(): () => void {
      setAll([]);
      setFull(false);
      return () => setAll(all);
    },
  };
}
