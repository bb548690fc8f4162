// What gates say of a model: passed or not, with the figure, the assessment that gave it, and the mend.
import { Button, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { assessForGate, type gateCheckQuery } from "./queries.ts";

export type GateResult = NonNullable<ResultOf<typeof gateCheckQuery>["gateCheck"]>["results"][number];

/** Asks the model what the gate's assessment asks, and shows that. */
function AssessButton(props: { gate: string; model: string }) {
  const work = useWork();
  const navigate = useNavigate();
  return (
    <Gate scope="chat">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        size="xs"
        variant="default"
        loading={work.isBusy}
        onClick={() =>
          void work.run(async () => {
            const { assessment } = await act(assessForGate, { gate: props.gate, model: props.model });
            await navigate({ to: `/assessments/${assessment.id}` });
          })
        }
      >
        {t("Assess with the same settings")}
      </Button>
    </Gate>
  );
}

function Row(props: { result: GateResult; title: string }) {
  const { result } = props;
  return (
    <li>
      {result.passes ? (
        <IconCircleCheck size={20} color="var(--e-leaf)" aria-label={t("passes")} />
      ) : (
        <IconCircleX size={20} color="var(--e-red)" aria-label={t("is held")} />
      )}
      <Stack gap={4} align="flex-start">
        <Text size="sm" fw={600}>
          {props.title}
        </Text>
        <Text size="sm">{said(result.sentence)}</Text>
        {result.hint && result.state !== "unassessed" ? (
          <Text size="sm" c="dimmed">
            {said(result.hint)}
          </Text>
        ) : null}
        {result.gate && result.state === "unassessed" ? (
          <AssessButton gate={result.gate.id} model={result.model} />
        ) : null}
        {result.assessment ? (
          <Text size="sm">
            <Link to={`/assessments/${result.assessment.id}`}>
              {t("See {{name}}", { name: result.assessment.name })}
            </Link>
          </Text>
        ) : null}
      </Stack>
    </li>
  );
}

/** Each gate's word on one model, or one gate's word on each model. */
export function GateResults(props: { results: readonly GateResult[]; label: string }) {
  return (
    <ul className="e-gates" aria-label={props.label}>
      {props.results.map((result) => (
        <Row
          key={result.gate?.id ?? result.model}
          result={result}
          title={result.gate ? `${result.gate.name}: ${said(result.gate.rule)}` : result.model}
        />
      ))}
    </ul>
  );
}
