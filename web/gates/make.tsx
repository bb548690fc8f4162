// Makes a gate of an assessment: a score, or not worse than another model, with what that would let pass now.
import {
  Button,
  Group,
  Modal,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { createGate, gateChoicesQuery, gatePreviewQuery } from "./queries.ts";
import { GateResults } from "./results.tsx";

type Kind = "score" | "not-worse";
const ALL = "";

/** A number from 0 to 1, in steps of a point. */
function ShareInput(props: {
  label: string;
  description?: string;
  value: number | null;
  onChange: (value: number | null) => void;
}) {
  return (
    <NumberInput
      label={props.label}
      description={props.description}
      min={0}
      max={1}
      step={0.01}
      decimalScale={4}
      value={props.value ?? ""}
      onChange={(value) => props.onChange(typeof value === "number" ? value : null)}
    />
  );
}

function Form(props: { assessment: string | null; onDone: () => void }) {
  const choices = useData(gateChoicesQuery, {});
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string | null>(props.assessment);
  const [kind, setKind] = useState<Kind>("score");
  const [grader, setGrader] = useState<string>(ALL);
  const [atLeast, setAtLeast] = useState<number | null>(0.8);
  const [lower, setLower] = useState<number | null>(null);
  const [than, setThan] = useState<string | null>(null);
  const [by, setBy] = useState<number | null>(0.02);
  const work = useWork();
  const navigate = useNavigate();
  const assessments = choices.data?.assessments.nodes ?? [];
  const assessment = chosen ?? assessments[0]?.id ?? null;
  const graders = assessments.find(({ id }) => id === assessment)?.graders ?? [];
  const isWhole = assessment !== null && (kind === "score" ? atLeast !== null : than !== null);
  const rule = {
    assessment: assessment ?? "",
    grader: graders.includes(grader) ? grader : null,
    ...(kind === "score" ? { atLeast, lowerBoundAtLeast: lower } : { notWorseThan: than, byAtMost: by ?? 0 }),
  };
  const [settled] = useDebouncedValue(JSON.stringify(isWhole ? rule : null), 300);
  // It is what was written into it above.
  const asked = JSON.parse(settled) as typeof rule | null;
  const preview = useData(gatePreviewQuery, asked && { rule: asked });
  return (
    <Loaded reading={choices}>
      {(found) => (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work.run(async () => {
              await act(createGate, { name: name.trim(), rule });
              props.onDone();
              await navigate({ to: "/gates" });
            });
          }}
        >
          <Stack gap={12}>
            <TextInput
              label={t("Name")}
              value={name}
              required
              withAsterisk={false}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label={t("Assessment")}
              description={t("Its rows, question and graders are the test that models have to pass.")}
              data={found.assessments.nodes.map((one) => ({ value: one.id, label: one.name }))}
              value={assessment}
              onChange={setChosen}
              allowDeselect={false}
              searchable
            />
            <SegmentedControl
              aria-label={t("What it asks for")}
              data={[
                { value: "score", label: t("A score") },
                { value: "not-worse", label: t("Not worse than …") },
              ]}
              value={kind}
              onChange={(value) => setKind(value === "score" ? "score" : "not-worse")}
            />
            {graders.length > 1 ? (
              <Select
                label={t("Grader")}
                data={[
                  { value: ALL, label: t("the mean over all") },
                  ...graders.map((one) => ({ value: one, label: one })),
                ]}
                value={graders.includes(grader) ? grader : ALL}
                onChange={(value) => setGrader(value ?? ALL)}
                allowDeselect={false}
              />
            ) : null}
            {kind === "score" ? (
              <div className="e-assess-fields">
                <ShareInput label={t("At least")} value={atLeast} onChange={setAtLeast} />
                <ShareInput
                  label={t("Lower bound at least")}
                  description={t("Of the 95 % interval; empty asks for none.")}
                  value={lower}
                  onChange={setLower}
                />
              </div>
            ) : (
              <div className="e-assess-fields">
                <Select
                  label={t("Not worse than")}
                  description={t("An alias stands for whatever has it.")}
                  data={found.models.nodes.map((one) => ({ value: one.name, label: one.name }))}
                  value={than}
                  onChange={setThan}
                  searchable
                />
                <ShareInput
                  label={t("By at most")}
                  description={t("0.02 is two points, at the lower bound of the difference.")}
                  value={by}
                  onChange={setBy}
                />
              </div>
            )}
            {isWhole ? (
              <Stack gap={8} role="status">
                <Text size="sm" fw={600}>
                  {t("What it would say now")}
                </Text>
                {preview.problem ? <ProblemNotice problem={preview.problem} /> : null}
                {preview.data ? (
                  <GateResults
                    results={preview.data.gatePreview.results}
                    label={t("What it would say now")}
                  />
                ) : null}
              </Stack>
            ) : null}
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <Group justify="flex-end">
              <Button type="submit" loading={work.isBusy} disabled={!isWhole || name.trim() === ""}>
                {t("Make gate")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Loaded>
  );
}

/** Opens the form, for one assessment where it is named. */
export function MakeGateButton(props: {
  button: string;
  assessment?: string;
  variant?: "filled" | "default";
}) {
  const [isOpen, modal] = useDisclosure(false);
  return (
    <Gate scope="gates">
      <Button variant={props.variant ?? "filled"} onClick={modal.open}>
        {props.button}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Make a gate")} size="lg">
        <Form assessment={props.assessment ?? null} onDone={modal.close} />
      </Modal>
    </Gate>
  );
}
