// Chooses the model of a column: what state it is in, and why one cannot be used now.
import { Select } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
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

/** Models that answer in text, those of third parties last: nothing leaves this server because it was first in a list. */
export function chattable(models: Models): Models {
  return models
    .filter(({ abilities }) => abilities.includes("TEXT"))
    .sort((a, b) => Number(a.kind === "THIRD_PARTY") - Number(b.kind === "THIRD_PARTY"));
}

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
            : `${model.name} · ${model.reason ? said(model.reason) : t("not usable now")}`,
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
