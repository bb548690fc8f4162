// Chooses the model of a column: what state it is in, and why one cannot be used now.
import { Select } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { t } from "../i18n.ts";
import type { chatQuery } from "./queries.ts";

type Models = ResultOf<typeof chatQuery>["models"]["nodes"];

const kindWords: Record<string, string> = {
  BASE: t("base"),
  CUSTOMIZED: t("customized"),
  COMPLETE: t("complete"),
  LIVE: t("live"),
  REGISTERED: t("registered"),
  THIRD_PARTY: t("third-party"),
};

export function ModelPicker(props: {
  models: Models;
  value: string | null;
  onChange: (name: string) => void;
  label: string;
}) {
  const groups = Object.keys(kindWords)
    .map((kind) => ({
      group: kindWords[kind] ?? kind,
      items: props.models
        .filter((model) => model.kind === kind)
        .map((model) => ({
          value: model.name,
          label: model.usable
            ? `${model.name} · ${kindWords[kind]}`
            : `${model.name} · ${model.reason ?? t("not usable now")}`,
          disabled: !model.usable,
        })),
    }))
    .filter((group) => group.items.length > 0);
  return (
    <Select
      aria-label={props.label}
      placeholder={t("Choose a model")}
      data={groups}
      value={props.value}
      searchable
      allowDeselect={false}
      onChange={(value) => value && props.onChange(value)}
      style={{ flex: 1 }}
    />
  );
}
