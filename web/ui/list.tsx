// A list of things: search and sort kept in the URL, j/k/enter// by keyboard, names as links, rows drawn only where seen, each a card where the window is narrow.

import { Button, Checkbox, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { t } from "../i18n.ts";
import { isTyping } from "../shell/shortcuts.tsx";
import { reachable } from "./bits.tsx";
import { BulkDelete } from "./bulk-delete.tsx";
import { inOrder } from "./format.ts";

export type ListColumn<R> = {
  key: string;
  label: string;
  cell: (row: R) => ReactNode;
  /** What sorting compares; a column without it cannot be sorted. */
  sortBy?: (row: R) => string | number;
  isNumber?: boolean;
};

const virtualFrom = 100;

export function List<R extends { id: string }>(props: {
  rows: R[];
  columns: ListColumn<R>[];
  searchText: (row: R) => string;
  label: string;
  openPath?: (row: R) => string;
  aside?: ReactNode;
  /** What a row is called when it is to be deleted; without it rows cannot be selected. */
  nameToDelete?: (row: R) => string;
  /** Reads further where the rows are not yet all. */
  more?: (() => void) | null;
}) {
  const search = useSearch({ strict: false }) as { q?: string; sort?: string };
  const navigate = useNavigate();
  const query = search.q ?? "";
  const [picked, setPicked] = useState(-1);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const searchRef = useRef<HTMLInputElement>(null);
  const scrollRef = useRef<HTMLDivElement>(null);
  const setSearch = (change: { q?: string | undefined; sort?: string | undefined }) =>
    navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, ...change }), replace: true });

  const rows = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const found = props.rows.filter((row) => {
      const text = props.searchText(row).toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const sortKey = search.sort?.replace(/^-/, "");
    const sortBy = props.columns.find((column) => column.key === sortKey)?.sortBy;
    if (!sortBy) return found;
    const sign = search.sort?.startsWith("-") ? -1 : 1;
    return [...found].sort((a, b) => {
      const [left, right] = [sortBy(a), sortBy(b)];
      return inOrder(left, right) * sign;
    });
  }, [props.rows, props.columns, props.searchText, query, search.sort]);

  const { openPath, nameToDelete } = props;
  const canChoose = nameToDelete !== undefined;
  /** Chooses those rows, or lets them go when all are chosen. */
  const toggle = useCallback(
    (ids: string[]) =>
      setChosen((old) => {
        const next = new Set(old);
        const areAll = ids.every((id) => next.has(id));
        for (const id of ids) areAll ? next.delete(id) : next.add(id);
        return next;
      }),
    [],
  );
  const chosenRows = rows.filter((row) => chosen.has(row.id));
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "/") {
        event.preventDefault();
        searchRef.current?.focus();
      } else if (event.key === "j") setPicked((old) => Math.min(rows.length - 1, old + 1));
      else if (event.key === "k") setPicked((old) => Math.max(0, old - 1));
      else if (event.key === "x" && canChoose) {
        const row = rows[picked];
        if (row) toggle([row.id]);
      } else if (event.key === "Enter" && event.target === document.body) {
        const row = rows[picked];
        if (row && openPath) void navigate({ to: openPath(row) });
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [rows, picked, openPath, navigate, canChoose, toggle]);

  const isLong = rows.length > virtualFrom;
  const virtual = useVirtualizer({
    count: isLong ? rows.length : 0,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => 44,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const shown = isLong ? items.map((item) => item.index) : rows.map((_, index) => index);
  const padTop = isLong ? (items[0]?.start ?? 0) : 0;
  const padBottom = isLong ? virtual.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;

  return (
    <>
      <div style={{ display: "flex", gap: 12, marginBottom: 12, flexWrap: "wrap" }}>
        <TextInput
          ref={searchRef}
          value={query}
          onChange={(event) => setSearch({ q: event.currentTarget.value || undefined })}
          placeholder={t("Search, or press /")}
          aria-label={t("Search {{what}}", { what: props.label })}
          leftSection={<IconSearch size={16} aria-hidden />}
          style={{ flex: "0 1 320px" }}
        />
        {nameToDelete && chosenRows.length > 0 ? (
          <BulkDelete
            rows={chosenRows.map((row) => ({ id: row.id, name: nameToDelete(row) }))}
            onCleared={() => setChosen(new Set())}
          />
        ) : (
          props.aside
        )}
      </div>
      <section
        className="e-surface e-scroll"
        ref={scrollRef}
        {...reachable}
        aria-label={props.label}
        style={isLong ? { maxHeight: "70vh", overflow: "auto" } : {}}
      >
        <table className="e-table e-list">
          <thead>
            <tr data-sort={t("Sort by")}>
              {canChoose ? (
                <th className="e-choose">
                  <Checkbox
                    size="xs"
                    aria-label={t("Select all rows")}
                    checked={rows.length > 0 && chosenRows.length === rows.length}
                    indeterminate={chosenRows.length > 0 && chosenRows.length < rows.length}
                    onChange={() => toggle(rows.map((row) => row.id))}
                  />
                </th>
              ) : null}
              {props.columns.map((column) => {
                const direction =
                  search.sort === column.key
                    ? "ascending"
                    : search.sort === `-${column.key}`
                      ? "descending"
                      : "none";
                return (
                  <th
                    key={column.key}
                    className={column.isNumber ? "e-num" : ""}
                    {...(column.sortBy ? { "aria-sort": direction } : {})}
                  >
                    {column.sortBy ? (
                      <button
                        type="button"
                        className="e-sort"
                        onClick={() =>
                          setSearch({ sort: direction === "ascending" ? `-${column.key}` : column.key })
                        }
                      >
                        {column.label}{" "}
                        {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
                      </button>
                    ) : (
                      column.label
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {padTop > 0 ? <tr style={{ height: padTop }} /> : null}
            {shown.map((index) => {
              const row = rows[index];
              if (!row) return null;
              return (
                <tr
                  key={row.id}
                  {...(isLong ? { ref: virtual.measureElement, "data-index": index } : {})}
                  {...(index === picked ? { "data-picked": "" } : {})}
                  {...(chosen.has(row.id) ? { "data-chosen": "" } : {})}
                >
                  {nameToDelete ? (
                    <td className="e-choose">
                      <Checkbox
                        size="xs"
                        aria-label={t("Select {{name}}", { name: nameToDelete(row) })}
                        checked={chosen.has(row.id)}
                        onChange={() => toggle([row.id])}
                      />
                    </td>
                  ) : null}
                  {props.columns.map((column) => (
                    <td key={column.key} className={column.isNumber ? "e-num" : ""} data-label={column.label}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              );
            })}
            {padBottom > 0 ? <tr style={{ height: padBottom }} /> : null}
            {rows.length === 0 ? (
              <tr>
                <td colSpan={props.columns.length + (canChoose ? 1 : 0)} className="e-muted">
                  {t("Nothing matches “{{query}}”.", { query })}
                </td>
              </tr>
            ) : null}
          </tbody>
        </table>
      </section>
      {props.more ? (
        <Button variant="default" mt={12} onClick={props.more}>
          {t("Show older")}
        </Button>
      ) : null}
    </>
  );
}
