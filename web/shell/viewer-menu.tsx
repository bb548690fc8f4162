// Who you are and where, at the top of the navigation: switch between projects, your account, sign out.
import { Menu, UnstyledButton } from "@mantine/core";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { postAuth } from "../accounts/door.tsx";
import { switchTo } from "../accounts/switch.ts";
import { roleWord } from "../accounts/viewer.tsx";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";

type Viewer = {
  name: string;
  role: string | null;
  project: { id: string; name: string };
  projects: readonly { id: string; name: string; archivedAt: string | null }[];
};

export function ViewerMenu(props: { viewer: Viewer }) {
  const { viewer } = props;
  const navigate = useNavigate();
  const work = useWork();
  const open = viewer.projects.filter(({ archivedAt }) => archivedAt === null);
  return (
    <>
      <Menu position="bottom-start" width={240} withinPortal={false} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <UnstyledButton className="e-viewer">
            <span className="e-viewer-words">
              <b>{viewer.project.name}</b>
              <small>
                {viewer.name}, {roleWord(viewer.role)}
              </small>
            </span>
            <IconChevronDown size={14} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("Projects")}</Menu.Label>
          {open.map(({ id, name }) => (
            <Menu.Item
              key={id}
              rightSection={
                id === viewer.project.id ? <IconCheck size={14} aria-label={t("current")} /> : null
              }
              onClick={() => (id === viewer.project.id ? undefined : work.run(() => switchTo(id)))}
            >
              {name}
            </Menu.Item>
          ))}
          <Menu.Item onClick={() => navigate({ to: "/projects" })}>{t("All projects")}</Menu.Item>
          <Menu.Divider />
          <Menu.Label>{viewer.name}</Menu.Label>
          <Menu.Item onClick={() => navigate({ to: "/account" })}>{t("Sessions and password")}</Menu.Item>
          <Menu.Item
            onClick={() =>
              work.run(async () => {
                await postAuth("sign-out", {});
                location.assign("/sign-in");
              })
            }
          >
            {t("Sign out")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </>
  );
}
