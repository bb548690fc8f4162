// What one is told and where, by kind; and whether this browser may show it.
import { Button, Group, Stack, Switch, Text } from "@mantine/core";
import { Fragment } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { type Permission, usePermission } from "./browser.ts";
import { setPreference, unreadQuery } from "./queries.ts";
import { kindWords } from "./words.ts";

export function NotificationSettings() {
  const reading = useData(unreadQuery, {});
  const [permission, ask] = usePermission();
  const work = useWork();
  const set = (kind: keyof typeof kindWords, inBell: boolean, inBrowser: boolean) =>
    work.run(async () => void (await act(setPreference, { kind, inBell, inBrowser })));
  return (
    <Surface title={t("What I am told")}>
      <Loaded reading={reading}>
        {({ notificationPreferences }) => (
          <Stack gap={16}>
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <div className="e-switches" id="notifications">
              <span />
              <b>{t("Bell")}</b>
              <b>{t("Browser")}</b>
              {notificationPreferences.map(({ kind, inBell, inBrowser }) => (
                <Fragment key={kind}>
                  <span>{kindWords[kind]}</span>
                  <Switch
                    aria-label={t("In the bell: {{what}}", { what: kindWords[kind] })}
                    checked={inBell}
                    disabled={work.isBusy}
                    onChange={(event) =>
                      void set(kind, event.currentTarget.checked, event.currentTarget.checked)
                    }
                  />
                  <Switch
                    aria-label={t("By the browser: {{what}}", { what: kindWords[kind] })}
                    checked={inBrowser}
                    disabled={work.isBusy || !inBell}
                    onChange={(event) => void set(kind, inBell, event.currentTarget.checked)}
                  />
                </Fragment>
              ))}
            </div>
            <Group gap={12}>
              {permission === "default" ? (
                <Button variant="default" onClick={() => void ask()}>
                  {t("Allow notifications of this browser")}
                </Button>
              ) : null}
              <Text size="sm" c="dimmed" role="status">
                {permissionWords(permission)}
              </Text>
            </Group>
          </Stack>
        )}
      </Loaded>
    </Surface>
  );
}

function permissionWords(permission: Permission): string {
  const words: Record<Permission, string> = {
    granted: t("This browser shows them while you look elsewhere and a page of Espalier is open."),
    denied: t(
      "This browser was told not to show any for this address. Its own settings for this site change that.",
    ),
    default: t("This browser has not been asked yet."),
    missing: t("This browser shows none here: it needs https, or an address of this machine."),
  };
  return words[permission];
}
