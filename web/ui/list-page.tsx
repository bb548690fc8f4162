// A page that is one list: its title, its sentence and one action, and what it says while there is nothing.
import type { ComponentProps, ReactNode } from "react";
import type { Reading } from "../api/data.ts";
import { List } from "./list.tsx";
import { Page } from "./page.tsx";
import { Empty, Loaded } from "./states.tsx";

export function ListPage<R extends { id: string }>(
  props: Omit<ComponentProps<typeof List<R>>, "rows" | "label"> & {
    title: string;
    sentence: string;
    /** The primary action; it is offered again while there is nothing. */
    action?: ReactNode;
    reading: Reading<object>;
    /** The rows of what was read; undefined until then. */
    rows: R[] | undefined;
    empty: { title: string; text: string };
  },
) {
  const { title, sentence, action, reading, rows = [], empty, ...list } = props;
  return (
    <Page title={title} sentence={sentence} action={action}>
      <Loaded reading={reading}>
        {() =>
          rows.length === 0 ? (
            <Empty {...empty} action={action} />
          ) : (
            <List rows={rows} label={title} {...list} />
          )
        }
      </Loaded>
    </Page>
  );
}
