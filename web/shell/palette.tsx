// ⌘K: to any page, model, dataset, training or conversation by its name.
import { Spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { pathOf } from "../paths.ts";
import { kindOfNode } from "../ui/lineage.tsx";
import { deeds, places } from "./places.ts";

const everything = graphql(`
  query Everything($models: String, $datasets: String, $trainings: String, $conversations: String, $knowledgeBases: String) {
    models(first: 200, after: $models) { nodes { id kind name } pageInfo { hasNextPage endCursor } }
    datasets(first: 200, after: $datasets) { nodes { id name } pageInfo { hasNextPage endCursor } }
    trainings(first: 200, after: $trainings) { nodes { id name } pageInfo { hasNextPage endCursor } }
    conversations(first: 200, after: $conversations) { nodes { id title } pageInfo { hasNextPage endCursor } }
    knowledgeBases(first: 200, after: $knowledgeBases) { nodes { id name } pageInfo { hasNextPage endCursor } }
  }
`);

export function Palette() {
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const { data } = useData(everything, isOpen ? {} : null);
  const actions = useMemo(() => {
    const go = (id: string, label: string, description: string, to: string) => ({
      id,
      label,
      description,
      onClick: () => void navigate({ to }),
    });
    return [
      ...places.map(({ name, to }) => go(to, name, t("page"), to)),
      ...deeds.map(({ name, to }) => go(to, name, t("action"), to)),
      ...(data?.models.nodes ?? []).map((m) =>
        go(m.id, m.name, kindOfNode(m.kind.toLowerCase().replace("_", "-")), pathOf(m)),
      ),
      ...(data?.datasets.nodes ?? []).map((d) => go(d.id, d.name, t("dataset"), `/datasets/${d.id}`)),
      ...(data?.trainings.nodes ?? []).map((r) => go(r.id, r.name, t("training"), `/trainings/${r.id}`)),
      ...(data?.knowledgeBases.nodes ?? []).map((k) =>
        go(k.id, k.name, t("knowledge base"), `/knowledge/${k.id}`),
      ),
      ...(data?.conversations.nodes ?? []).map((c) => go(c.id, c.title, t("conversation"), `/chat/${c.id}`)),
    ];
  }, [data, navigate]);
  return (
    <Spotlight
      actions={actions}
      onSpotlightOpen={() => setOpen(true)}
      limit={12}
      nothingFound={t("Nothing has that name.")}
      searchProps={{ placeholder: t("Go to anything by name"), "aria-label": t("Go to anything by name") }}
      attributes={{ content: { "aria-label": t("Go to anything by name") } }}
      shortcut={["mod + K"]}
    />
  );
}
