// Your account: where you are signed in, and your password.
import { Button, Group, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Facts, Surface } from "../ui/bits.tsx";
import { Page } from "../ui/page.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { PasswordField } from "./password-field.tsx";
import { SessionList } from "./sessions.tsx";
import { roleWord } from "./viewer.tsx";

const accountQuery = graphql(`
  query Account { viewer { id name role project { id name } sessions { id userAgent isCurrent createdAt lastUsedAt } } }
`);
const changePassword = graphql(`
  mutation ChangePassword($current: String!, $wanted: String!) {
    changePassword(current: $current, wanted: $wanted) { __typename ... on SessionsSuccess { ended } ... on UserError { code message hint field value } }
  }
`);

function PasswordForm() {
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const work = useWork();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          await act(changePassword, { current, wanted });
          setCurrent("");
          setWanted("");
          notifications.show({
            message: t("Your password is changed; your other browsers are signed out."),
            color: "gray",
          });
        });
      }}
    >
      <Stack gap={12} maw={420}>
        <PasswordField label={t("Current password")} isNew={false} value={current} onChange={setCurrent} />
        <PasswordField label={t("New password")} isNew value={wanted} onChange={setWanted} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group>
          <Button type="submit" loading={work.isBusy}>
            {t("Change password")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function AccountPage() {
  const reading = useData(accountQuery, {});
  return (
    <Page title={t("Your account")} sentence={t("Where you are signed in, and your password.")}>
      <Loaded reading={reading}>
        {({ viewer }) => (
          <Stack gap={16}>
            <Surface title={t("You")}>
              <Facts
                items={[
                  [t("Name"), viewer.name],
                  [t("Project"), viewer.project.name],
                  [t("Role"), roleWord(viewer.role)],
                ]}
              />
            </Surface>
            <Surface title={t("Signed in")}>
              <SessionList sessions={viewer.sessions} />
            </Surface>
            <Surface title={t("Password")}>
              <PasswordForm />
            </Surface>
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}
