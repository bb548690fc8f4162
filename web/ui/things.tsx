// The columns and facts that lists and pages of different things have in common.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { t } from "../i18n.ts";
import { Copyable, When } from "./bits.tsx";
import { bytes } from "./format.ts";
import type { ListColumn } from "./list.tsx";
import { EditableName } from "./rename.tsx";

type Fact = [label: string, value: ReactNode];

export function nameColumn<R extends { id: string; name: string }>(folder: string): ListColumn<R> {
  return {
    key: "name",
    label: t("Name"),
    sortBy: (row) => row.name,
    cell: (row) => (
      <EditableName thing={row}>
        <Link to={`${folder}/${row.id}`}>{row.name}</Link>
      </EditableName>
    ),
  };
}

export function sizeColumn<R extends { sizeBytes: number }>(): ListColumn<R> {
  return {
    key: "size",
    label: t("Size"),
    isNumber: true,
    sortBy: (row) => row.sizeBytes,
    cell: (row) => bytes(row.sizeBytes),
  };
}

export function createdColumn<R extends { createdAt: string }>(label: string): ListColumn<R> {
  return {
    key: "created",
    label,
    sortBy: (row) => row.createdAt,
    cell: (row) => <When at={row.createdAt} />,
  };
}

/** A link to a thing of one folder, for cells and facts. */
export const linkTo = (folder: string, thing: { id: string; name: string }): ReactNode => (
  <Link key={thing.id} to={`${folder}/${thing.id}`}>
    {thing.name}
  </Link>
);

export const whenFact = (label: string, at: string): Fact => [label, <When key={label} at={at} />];

export const hashFact = (hash: string, label = t("Hash")): Fact => [
  label,
  <Copyable key={label} text={hash} short={hash.slice(0, 16)} label={t("Copy hash")} />,
];

export const idFact = (id: string): Fact => [t("Id"), <Copyable key="id" text={id} label={t("Copy id")} />];
