// The two pages before the app: the one-time set-up and the sign-in.
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { z } from "zod";
import { useWork } from "../api/data.ts";
import { ProblemError } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { LanguageSelect } from "../shell/language.tsx";
import { Mark } from "../shell/mark.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { PasswordField } from "./password-field.tsx";

const refusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullish(),
    field: z.string().nullish(),
  }),
});

/** Posts to /auth/* and returns the answer; throws ProblemError with the server's words. */
export async function postAuth(path: string, body: Record<string, string>): Promise<unknown> {
  const response = await fetch(`/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json();
  const said = refusal.safeParse(await response.json().catch(() => null));
  throw new ProblemError(
    said.success
      ? { ...said.data.error, hint: said.data.error.hint ?? null, field: said.data.error.field ?? null }
      : {
          code: `HTTP_${response.status}`,
          message: t("The server refused with status {{status}}.", { status: response.status }),
        },
  );
}

export function Door(props: { title: string; sentence: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${props.title} · Espalier`;
  }, [props.title]);
  return (
    <main className="e-door">
      <div>
        <Stack align="center" gap={4} mb={24}>
          <Mark size={40} />
          <Text component="h1" fz={20} fw={700} m={0}>
            {props.title}
          </Text>
          <Text size="sm" c="dimmed" ta="center">
            {props.sentence}
          </Text>
        </Stack>
        <div className="e-surface" style={{ padding: 24 }}>
          {props.children}
        </div>
        <Group justify="center" mt={16}>
          <LanguageSelect />
        </Group>
      </div>
    </main>
  );
}

export function CredentialsForm(props: {
  button: string;
  isNew: boolean;
  send: (name: string, password: string) => Promise<void>;
}) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const work = useWork();
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void work.run(() => props.send(name, password));
  };
  return (
    <form onSubmit={onSubmit}>
      <Stack gap={12}>
        <TextInput
          label={t("Name")}
          name="name"
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordField label={t("Password")} isNew={props.isNew} value={password} onChange={setPassword} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Button type="submit" fullWidth loading={work.isBusy}>
          {props.button}
        </Button>
      </Stack>
    </form>
  );
}

export function SetupPage() {
  const { token } = useSearch({ strict: false }) as { token?: string };
  return (
    <Door
      title={t("Set up Espalier")}
      sentence={t(
        "Choose the name and password of the first person on this machine, who may do everything. Next comes the process map, with a sample to start from. What you bring in stays on this machine until you connect a service elsewhere.",
      )}
    >
      {token ? (
        <CredentialsForm
          isNew
          button={t("Create account")}
          send={async (name, password) => {
            await postAuth("setup", { token, name, password });
            location.assign("/");
          }}
        />
      ) : (
        <ProblemNotice
          problem={{
            code: "SETUP_TOKEN_MISSING",
            message: t("This link has no token."),
            hint: t("Open the set-up link that `espalier serve` printed when it started."),
          }}
        />
      )}
    </Door>
  );
}

export function SignInPage() {
  const { back } = useSearch({ strict: false }) as { back?: string };
  // Only a path of this site may follow a sign-in, never another address.
  const target = back?.startsWith("/") && !back.startsWith("//") ? back : "/";
  return (
    <Door title={t("Sign in")} sentence={t("The lifecycle of language models, on your own machines.")}>
      <CredentialsForm
        isNew={false}
        button={t("Sign in")}
        send={async (name, password) => {
          await postAuth("sign-in", { name, password });
          location.assign(target);
        }}
      />
    </Door>
  );
}
