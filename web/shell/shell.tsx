// The app shell: navigation with counts, palette, the bell, and the page.
import { ActionIcon, AppShell, Burger, Group, Text, useComputedColorScheme } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { IconMoon, IconSearch, IconSun } from "@tabler/icons-react";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ViewerContext, whyNot } from "../accounts/viewer.tsx";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { useRunFeed } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { BellButton, BellProvider } from "../notifications/bell.tsx";
import { AddTrainer, isOnline } from "../trainers/add-trainer.tsx";
import { ClosedPage } from "./edge-pages.tsx";
import { useRememberedLanguage } from "./language.tsx";
import { useLook, useRememberedLook } from "./look.ts";
import { Mark } from "./mark.tsx";
import { Palette } from "./palette.tsx";
import { groups, type Place } from "./places.ts";
import { paletteKeys, Shortcuts } from "./shortcuts.tsx";
import { ViewerMenu } from "./viewer-menu.tsx";

const navQuery = graphql(`
  query Nav { viewer { id look language name role scopes project { id name } projects { id name archivedAt } } processMap { stages { key count running { id } } trainers { id status } } }
`);

function ThemeSwitch() {
  const { choose } = useLook();
  const scheme = useComputedColorScheme("light");
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={scheme === "dark" ? t("Use light colours") : t("Use dark colours")}
      onClick={() => choose(scheme === "dark" ? "LIGHT" : "DARK")}
    >
      {scheme === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  );
}

export function Shell() {
  useRunFeed();
  const [isOpen, drawer] = useDisclosure(false);
  /** Where the navigation is a drawer over the page. */
  const isNarrow = useMediaQuery("(max-width: 899.9px)");
  const [isHelpOpen, help] = useDisclosure(false);
  const [isAdding, adding] = useDisclosure(false);
  const { data } = useData(navQuery, {});
  useRememberedLook(data?.viewer.look);
  useRememberedLanguage(data?.viewer);
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: following a link closes the drawer
  useEffect(() => drawer.close(), [pathname]);
  const burger = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      burger.current?.focus();
      drawer.close();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [isOpen, drawer.close]);
  const stages = new Map((data?.processMap.stages ?? []).map((stage) => [stage.key, stage]));
  const runningTrainings = stages.get("customized")?.running.length ?? 0;
  const closed =
    data && pathname.startsWith("/chat") && !data.viewer.scopes.includes("chat")
      ? whyNot(data.viewer, "chat")
      : null;
  const note = (item: Place): string => {
    if (item.to === "/trainings")
      return runningTrainings > 0 ? t("{{n}} running", { n: runningTrainings }) : "";
    if (item.to === "/trainers") return data ? String(data.processMap.trainers.filter(isOnline).length) : "";
    return item.stage ? String(stages.get(item.stage)?.count ?? "") : "";
  };
  return (
    <BellProvider>
      <AppShell
        navbar={{ width: 216, breakpoint: 900, collapsed: { mobile: !isOpen } }}
        header={{ height: { base: 52, md: 0 } }}
        padding={0}
      >
        <a href="#content" className="e-skip">
          {t("Skip to content")}
        </a>
        <AppShell.Header hiddenFrom="md" withBorder bg="var(--e-surface)">
          <Group h="100%" px={12} gap={8}>
            <Burger
              ref={burger}
              opened={isOpen}
              onClick={drawer.toggle}
              size="sm"
              aria-label={t("Navigation")}
              aria-expanded={isOpen}
            />
            <Mark />
            <Text fw={700} style={{ flex: 1 }}>
              Espalier
            </Text>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t("Go to anything by name")}
              onClick={() => spotlight.open()}
            >
              <IconSearch size={18} />
            </ActionIcon>
            <BellButton />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar className="e-nav" aria-label={t("Pages")} data-closed={!isOpen || undefined}>
          <div className="e-nav-head mantine-visible-from-md">
            <Link to="/" className="e-brand">
              <Mark /> Espalier
            </Link>
            <BellButton />
          </div>
          {data ? <ViewerMenu viewer={data.viewer} /> : null}
          <div className="e-nav-tools">
            <button type="button" className="e-nav-search" onClick={() => spotlight.open()}>
              <IconSearch size={14} aria-hidden />
              {t("Go to")} <kbd>{paletteKeys}</kbd>
            </button>
            <ThemeSwitch />
          </div>
          <div className="e-nav-places">
            {groups.map((group) => (
              <div key={group.title ?? "top"}>
                {group.title ? <h2>{group.title}</h2> : null}
                {group.places.map((item) => (
                  <Link
                    key={item.to}
                    to={item.to}
                    activeOptions={{ exact: item.to === "/", includeSearch: false }}
                  >
                    {item.label} <span>{note(item)}</span>
                  </Link>
                ))}
              </div>
            ))}
          </div>
          {data && !data.processMap.trainers.some(isOnline) ? (
            <button type="button" className="e-nav-help" onClick={adding.open}>
              {t("No trainer: training is off")}
            </button>
          ) : null}
          <button type="button" className="e-nav-help" onClick={help.open}>
            {t("Keyboard shortcuts")} <kbd>?</kbd>
          </button>
        </AppShell.Navbar>
        <AppShell.Main id="content" inert={isOpen && isNarrow}>
          <ViewerContext value={data?.viewer ?? null}>
            {closed === null ? <Outlet /> : <ClosedPage why={closed} />}
          </ViewerContext>
        </AppShell.Main>
        <AddTrainer isOpen={isAdding} onClose={adding.close} />
        <Palette />
        <Shortcuts isOpen={isHelpOpen} onOpen={help.open} onClose={help.close} />
      </AppShell>
    </BellProvider>
  );
}
