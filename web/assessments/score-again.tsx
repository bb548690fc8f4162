// Scores the answers of an assessment by other rules and judges: no candidate is asked again, and the old scores stay.
import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import type { Assessment } from "./detail-page.tsx";
import type { GraderDraft, JudgeDraft } from "./draft.ts";
import { judgesOf, lineOf } from "./draft.ts";
import { GraderFields, JudgeFields } from "./grader-fields.tsx";
import { choicesQuery, scoreAgain } from "./queries.ts";

export function ScoreAgainButton(props: { assessment: Assessment }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <Gate scope="chat">
      <Button variant="default" onClick={dialog.open}>
        {t("Score again")}
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title={t("Score the answers again")}
        size="lg"
        closeButtonProps={{ "aria-label": t("Close") }}
      >
        <ScoreAgain assessment={props.assessment} />
      </Modal>
    </Gate>
  );
}

function ScoreAgain(props: { assessment: Assessment }) {
  const { assessment } = props;
  const { id, candidates } = assessment;
  const navigate = useNavigate();
  const work = useWork();
  const reading = useData(choicesQuery, {});
  const [name, setName] = useState("");
  const [graders, setGraders] = useState<GraderDraft[]>([]);
  const [judges, setJudges] = useState<JudgeDraft[]>([]);
  return (
    <Loaded reading={reading} rows={3}>
      {(choices) => {
        const models = choices.models.nodes.filter(
          ({ usable, abilities }) => usable && abilities.includes("TEXT"),
        );
        const modelIds = candidates.map(({ modelId }) => modelId);
        const version = choices.datasets.nodes.find(
          ({ id: dataset }) => dataset === assessment.datasetId,
        )?.latest;
        return (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void work.run(async () => {
                const { assessment: made } = await act(scoreAgain, {
                  ...{ id, name: name.trim(), graders: graders.map(lineOf) },
                  judges: judgesOf(judges, candidates.length),
                });
                await navigate({ to: `/assessments/${made.id}` });
              });
            }}
          >
            <Stack gap={12}>
              <p className="e-muted">
                {t("No candidate is asked again: the answers are copied into an assessment of its own.")}
              </p>
              <TextInput
                label={t("Name")}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                required
                data-autofocus
              />
              <GraderFields value={graders} onChange={setGraders} />
              <JudgeFields
                models={models}
                candidates={models.filter((one) => modelIds.includes(one.id)).map((one) => one.name)}
                isSeveral={candidates.length > 1}
                names={version?.columns.map((column) => column.name) ?? []}
                value={judges}
                onChange={setJudges}
              />
              {work.problem ? <ProblemNotice problem={work.problem} /> : null}
              <div>
                <Button type="submit" loading={work.isBusy} disabled={graders.length + judges.length === 0}>
                  {t("Score again")}
                </Button>
              </div>
            </Stack>
          </form>
        );
      }}
    </Loaded>
  );
}
