// The pages of one-time links: into a project by an invitation, and to a new password.
import { Button, Stack, Text } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { z } from "zod";
import { useWork } from "../api/data.ts";
import { type Problem, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { LoadingRows, ProblemNotice } from "../ui/states.tsx";
import { CredentialsForm, Door, postAuth } from "./door.tsx";
import { PasswordField } from "./password-field.tsx";
import { roleWord } from "./viewer.tsx";

const offerShape = z.object({
  kind: z.enum(["invitation", "reset"]),
  project: z.string().optional(),
  role: z.string().optional(),
  name: z.string().optional(),
  signedInAs: z.string().nullable(),
});
type Offer = z.infer<typeof offerShape>;

/** What the link in the address offers, or why it does not. */
function useOffer(): { token: string; offer: Offer | null; problem: Problem | null } {
  const { token = "" } = useSearch({ strict: false }) as { token?: string };
  const [state, setState] = useState<{ offer: Offer | null; problem: Problem | null }>({
    offer: null,
    problem: null,
  });
  useEffect(() => {
    postAuth("link", { token }).then(
      (said) => setState({ offer: offerShape.parse(said), problem: null }),
      (thrown) => setState({ offer: null, problem: toProblem(thrown) }),
    );
  }, [token]);
  return { token, ...state };
}

function Offered(props: {
  title: string;
  kind: Offer["kind"];
  sentence: (offer: Offer) => string;
  children: (offer: Offer, token: string) => ReactNode;
}) {
  const { token, offer, problem } = useOffer();
  const isMine = offer?.kind === props.kind;
  return (
    <Door title={props.title} sentence={offer && isMine ? props.sentence(offer) : ""}>
      {problem ? (
        <ProblemNotice problem={problem} />
      ) : offer && isMine ? (
        props.children(offer, token)
      ) : (
        <LoadingRows rows={3} />
      )}
    </Door>
  );
}

function JoinAsMyself(props: { token: string; name: string }) {
  const work = useWork();
  return (
    <Stack gap={12}>
      <Text size="sm">{t("You are signed in as {{name}}.", { name: props.name })}</Text>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        fullWidth
        loading={work.isBusy}
        onClick={() =>
          work.run(async () => {
            await postAuth("join", { token: props.token });
            location.assign("/");
          })
        }
      >
        {t("Join as {{name}}", { name: props.name })}
      </Button>
    </Stack>
  );
}

export function JoinPage() {
  return (
    <Offered
      title={t("Join the project")}
      kind="invitation"
      sentence={({ project = "", role = null }) =>
        t("You are invited to {{project}} as {{role}}.", { project, role: roleWord(role) })
      }
    >
      {({ signedInAs }, token) =>
        signedInAs ? (
          <JoinAsMyself token={token} name={signedInAs} />
        ) : (
          <CredentialsForm
            isNew
            button={t("Create account and join")}
            send={async (name, password) => {
              await postAuth("join", { token, name, password });
              location.assign("/");
            }}
          />
        )
      }
    </Offered>
  );
}

function NewPassword(props: { token: string }) {
  const [password, setPassword] = useState("");
  const work = useWork();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          await postAuth("reset", { token: props.token, password });
          location.assign("/");
        });
      }}
    >
      <Stack gap={12}>
        <PasswordField label={t("New password")} isNew hasFocus value={password} onChange={setPassword} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Button type="submit" fullWidth loading={work.isBusy}>
          {t("Set the password and sign in")}
        </Button>
      </Stack>
    </form>
  );
}

export function ResetPage() {
  return (
    <Offered
      title={t("Choose a new password")}
      kind="reset"
      sentence={({ name = "" }) => t("For {{name}}. You are then signed out everywhere else.", { name })}
    >
      {(_, token) => <NewPassword token={token} />}
    </Offered>
  );
}
