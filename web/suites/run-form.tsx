// Run a suite: who is asked, and from which knowledge bases.
import { Button, MultiSelect, Stack } from "@mantine/core";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { kindOfNode } from "../ui/lineage.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { startSuite, suiteChoices } from "./queries.ts";

const MOST_CANDIDATES = 6;

export function RunForm(props: { id: string; onStarted: () => void }) {
  const { data, problem } = useData(suiteChoices, {});
  const [chosen, setChosen] = useState<string[]>([]);
  const [bases, setBases] = useState<string[]>([]);
  const work = useWork();
  const failed = work.problem ?? problem;
  const models = (data?.models.nodes ?? []).filter(
    ({ usable, abilities }) => usable && abilities.includes("TEXT"),
  );
  const start = async (): Promise<void> => {
    const candidates = chosen.map((model) => ({ model, knowledgeBases: bases }));
    await act(startSuite, { suite: props.id, candidates });
    props.onStarted();
  };
  return (
    <Gate scope="chat">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work.run(start);
        }}
      >
        <Stack gap={8}>
          <MultiSelect
            label={t("Candidates")}
            description={t("Up to {{n}} models.", { n: MOST_CANDIDATES })}
            data={models.map((model) => ({
              value: model.name,
              label: `${model.name} · ${kindOfNode(model.kind.toLowerCase().replace("_", "-"))}`,
            }))}
            value={chosen}
            onChange={setChosen}
            maxValues={MOST_CANDIDATES}
            searchable
          />
          {data && data.knowledgeBases.nodes.length > 0 ? (
            <MultiSelect
              label={t("Knowledge bases")}
              description={t("All of them answer from these.")}
              data={data.knowledgeBases.nodes.map(({ name }) => name)}
              value={bases}
              onChange={setBases}
            />
          ) : null}
          {failed ? <ProblemNotice problem={failed} /> : null}
          <Button type="submit" loading={work.isBusy} disabled={chosen.length === 0}>
            {t("Run with {{count}} models", { count: chosen.length })}
          </Button>
        </Stack>
      </form>
    </Gate>
  );
}
