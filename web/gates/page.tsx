// Gates: what models must pass before they go live, what they say of one model, and what went past them.
import { Button, Select, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Made, Surface } from "../ui/bits.tsx";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { kindOfNode } from "../ui/lineage.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { MakeGateButton } from "./make.tsx";
import { Overrides } from "./overrides.tsx";
import { deleteGate, gateCheckQuery, gatesQuery } from "./queries.ts";
import { GateResults } from "./results.tsx";

type Found = ResultOf<typeof gatesQuery>;
type GateRow = Found["gates"]["nodes"][number];

function RemoveButton(props: { gate: GateRow }) {
  const { id, name } = props.gate;
  const [isOpen, modal] = useDisclosure(false);
  return (
    <Gate scope="gates">
      <Button size="xs" variant="subtle" color="red" c="var(--e-red)" onClick={modal.open}>
        {t("Remove")}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={modal.close}
        title={t("Remove {{name}}?", { name })}
        confirm={t("Remove {{name}}", { name })}
        run={async () => {
          await act(deleteGate, { gate: id });
          notifications.show({ message: t("{{name}} is removed", { name }), color: "gray" });
        }}
      >
        <Text size="sm">{t("It then holds no model any more, and cannot be brought back.")}</Text>
      </ConfirmDialog>
    </Gate>
  );
}

function GateItem(props: { gate: GateRow }) {
  const { gate } = props;
  return (
    <li>
      <Stack gap={4}>
        <Text size="sm" fw={600}>
          {gate.name}
        </Text>
        <Text size="sm">{said(gate.rule)}</Text>
        {gate.assessment ? (
          <Text size="sm">
            <Link to={`/assessments/${gate.assessment.id}`}>
              {t("Tested as in {{name}}", { name: gate.assessment.name })}
            </Link>
          </Text>
        ) : (
          <Text size="sm" c="var(--e-red)">
            {t("{{name}} was deleted: nothing passes until it is brought back or this gate is removed.", {
              name: gate.assessmentName,
            })}
          </Text>
        )}
        <Text size="xs" c="dimmed">
          <Made at={gate.createdAt} by={gate.createdBy} />
        </Text>
      </Stack>
      <RemoveButton gate={gate} />
    </li>
  );
}

/** What the gates say of the model that the address names. */
function ModelCheck(props: { models: Found["models"]["nodes"] }) {
  const { model = null } = useSearch({ strict: false }) as { model?: string };
  const navigate = useNavigate();
  const reading = useData(gateCheckQuery, model === null ? null : { model });
  const known = props.models.some(({ name }) => name === model);
  return (
    <Surface title={t("Check a model")}>
      <Stack gap={12}>
        <Select
          label={t("Model")}
          placeholder={t("Choose a model")}
          data={props.models.map((one) => ({
            value: one.name,
            label: `${one.name} · ${kindOfNode(one.kind.toLowerCase())}`,
          }))}
          value={known ? model : null}
          onChange={(value) =>
            void navigate({ to: ".", search: (value ? { model: value } : {}) as never, replace: true })
          }
          searchable
          clearable
        />
        {model === null ? null : (
          <Loaded reading={reading} rows={2}>
            {({ gateCheck }) =>
              gateCheck ? (
                <>
                  <Text size="sm" fw={600} role="status">
                    {gateCheck.passes
                      ? t("{{name}} passes every gate.", { name: gateCheck.model })
                      : t("{{name}} is held.", { name: gateCheck.model })}
                  </Text>
                  <GateResults results={gateCheck.results} label={t("Gates")} />
                </>
              ) : (
                <Text size="sm">{t("There is no model {{name}}.", { name: model })}</Text>
              )
            }
          </Loaded>
        )}
      </Stack>
    </Surface>
  );
}

export function GatesPage() {
  const reading = useData(gatesQuery, {});
  return (
    <Page
      title={t("Gates")}
      crumb={{ label: t("Assessments"), to: "/assessments" }}
      sentence={t("What a model has to pass before it is deployed or registered.")}
      action={<MakeGateButton button={t("Make a gate")} />}
    >
      <Loaded reading={reading}>
        {({ gates, gateOverrides, models }) => (
          <Stack gap={16}>
            {gates.nodes.length === 0 ? (
              <Empty
                title={t("Nothing is held back")}
                text={t(
                  "A gate lets only models go live that score well enough in an assessment, or no worse than the one in service.",
                )}
              />
            ) : (
              <>
                <Surface title={t("What has to hold")}>
                  <ul className="e-gate-list">
                    {gates.nodes.map((gate) => (
                      <GateItem key={gate.id} gate={gate} />
                    ))}
                  </ul>
                </Surface>
                <ModelCheck models={models.nodes} />
              </>
            )}
            {gateOverrides.nodes.length > 0 ? (
              <Surface title={t("Went past a gate")}>
                <Overrides overrides={gateOverrides.nodes} isNamed />
              </Surface>
            ) : null}
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}
