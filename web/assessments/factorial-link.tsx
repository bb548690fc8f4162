// The way to the comparison of training and documents, from a tuned model's page and from where assessments begin.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Gate } from "../accounts/viewer.tsx";
import { t } from "../i18n.ts";

export function FactorialLink(props: { model?: string }) {
  return (
    <Gate scope="chat">
      <Button
        component={Link}
        to="/assess/factorial"
        search={(props.model === undefined ? {} : { model: props.model }) as never}
        variant="default"
      >
        {t("Documents, training, or both?")}
      </Button>
    </Gate>
  );
}
