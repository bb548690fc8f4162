// From dataset to alias: what a thing was made of and what was made of it, in lifecycle order; and a plain list of users.
import { Text } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { t } from "../i18n.ts";
import { pathOf } from "../paths.ts";
import { count } from "./format.ts";

export type LineageNode = { id: string; kind: string; name: string; relation: string };

/** Kinds in lifecycle order; those of one inner list stand under each other. */
const ranks = [["base", "dataset"], ["training"], ["customized"], ["complete"], ["live"], ["registered"]];
const words: Record<string, string> = {
  base: t("base model"),
  dataset: t("dataset"),
  training: t("training"),
  customized: t("customized"),
  complete: t("complete"),
  live: t("live"),
  registered: t("registered"),
  knowledge: t("knowledge base"),
  document: t("document"),
  conversation: t("conversation"),
  "third-party": t("third-party"),
  provider: t("provider"),
  image: t("image"),
  assessment: t("assessment"),
  suite: t("suite"),
  "image-request": t("request for images"),
};
export const kindOfNode = (kind: string): string => words[kind] ?? kind;

function Step(props: { node: Omit<LineageNode, "relation">; isSelf: boolean }) {
  const { node } = props;
  return (
    <div className="e-step" {...(props.isSelf ? { "aria-current": "true" } : {})}>
      <Text size="xs" c="dimmed">
        {kindOfNode(node.kind)}
      </Text>
      {props.isSelf ? <strong>{node.name}</strong> : <Link to={pathOf(node)}>{node.name}</Link>}
    </div>
  );
}

/** How many things of a list are not shown, where there are any. */
export function More(props: { hidden: number }) {
  return props.hidden > 0 ? (
    <Text size="sm" c="dimmed" mt={8}>
      {t("and {{n}} more", { n: count(props.hidden) })}
    </Text>
  ) : null;
}

/** The way from what it was made of to what was made of it, with itself marked; `hidden` others are only counted. */
export function Lineage(props: {
  nodes: LineageNode[];
  self: Omit<LineageNode, "relation">;
  hidden: number;
}) {
  const all = [...new Map([...props.nodes, props.self].map((node) => [node.id, node])).values()];
  const columns = ranks
    .map((kinds) => all.filter(({ kind }) => kinds.includes(kind)))
    .filter((column) => column.length > 0);
  return (
    <>
      <ol className="e-lineage">
        {columns.map((column, index) => (
          <li key={column[0]?.id}>
            {index > 0 ? <IconChevronRight size={16} aria-hidden className="e-muted" /> : null}
            <div className="e-steps">
              {column.map((node) => (
                <Step key={node.id} node={node} isSelf={node.id === props.self.id} />
              ))}
            </div>
          </li>
        ))}
      </ol>
      <More hidden={props.hidden} />
    </>
  );
}

/** What depends on a thing; `count` of them, not all of them named. */
export function UsedBy(props: { nodes: LineageNode[]; count: number }) {
  if (props.nodes.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t("Nothing depends on it.")}
      </Text>
    );
  return (
    <>
      <ul className="e-users">
        {props.nodes.map((node) => (
          <li key={node.id}>
            <Link to={pathOf(node)}>{node.name}</Link>{" "}
            <span className="e-muted">{kindOfNode(node.kind)}</span>
          </li>
        ))}
      </ul>
      <More hidden={props.count - props.nodes.length} />
    </>
  );
}
