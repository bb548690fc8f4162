// The bell: how many notifications are unread, each as a notice when it comes, and all of them as a list by day.
import { ActionIcon, Button, Drawer, Group, Indicator, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications as notices } from "@mantine/notifications";
import { IconBell } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { type Notification, useNotificationFeed } from "../api/runs-live.ts";
import { locale, t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { showInBrowser } from "./browser.ts";
import { listQuery, readNotifications, unreadQuery } from "./queries.ts";
import { detailOf, nextOf, titleOf, toneOf } from "./words.ts";

const BellContext = createContext<{ unread: number; open: () => void }>({ unread: 0, open: () => undefined });

/** Listens, shows notices, and holds the list; the button may stand in more than one place. */
export function BellProvider(props: { children: ReactNode }) {
  const [isOpen, panel] = useDisclosure(false);
  const navigate = useNavigate();
  const { data } = useData(unreadQuery, {});
  const [unread, setUnread] = useState(0);
  useEffect(() => {
    if (data) setUnread(data.unreadNotifications);
  }, [data]);
  // The list says what the notices say, and they would lie over it.
  const isListed = useRef(false);
  isListed.current = isOpen;
  const open = () => {
    notices.clean();
    panel.open();
  };
  const silent = useRef<ReadonlySet<string>>(new Set());
  silent.current = new Set(
    (data?.notificationPreferences ?? []).filter(({ inBrowser }) => !inBrowser).map(({ kind }) => kind),
  );
  useNotificationFeed(
    useCallback(
      (news) => {
        setUnread(news.unread);
        const one = news.notification;
        if (!one) return;
        const go = () => {
          void markRead([one.id]);
          void navigate({ to: one.next.path });
        };
        if (!isListed.current) showNotice(one, go);
        if (!silent.current.has(one.kind))
          showInBrowser({ id: one.id, title: titleOf(one), body: detailOf(one) ?? nextOf(one) }, go);
      },
      [navigate],
    ),
  );
  return (
    <BellContext value={{ unread, open }}>
      {props.children}
      <Drawer.Root opened={isOpen} onClose={panel.close} position="right" size={420}>
        <Drawer.Overlay />
        <Drawer.Content>
          {/* Not Drawer.Header: beside the shell's own header it would be a second banner. */}
          <Drawer.Body pt={12}>
            <Group justify="space-between" mb={12}>
              <Drawer.Title>{t("Notifications")}</Drawer.Title>
              <Drawer.CloseButton aria-label={t("Close")} />
            </Group>
            {isOpen ? <NotificationList onLeave={panel.close} /> : null}
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
    </BellContext>
  );
}

export function BellButton() {
  const { unread, open } = useContext(BellContext);
  return (
    <Indicator label={unread > 99 ? "99+" : unread} size={16} disabled={unread === 0} offset={6}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={unread === 0 ? t("Notifications") : t("Notifications, {{n}} unread", { n: unread })}
        onClick={open}
      >
        <IconBell size={18} />
      </ActionIcon>
    </Indicator>
  );
}

const markRead = (ids: string[] | null) => act(readNotifications, { ids }).catch(() => undefined);

function showNotice(one: Notification, go: () => void): void {
  const colors = { leaf: "leaf", red: "red", plain: "gray", amber: "gray", blue: "gray" } as const;
  const detail = detailOf(one);
  notices.show({
    id: one.id,
    color: colors[toneOf(one.kind)],
    title: titleOf(one),
    message: (
      <>
        {detail ? <Text size="sm">{detail}</Text> : null}
        <Button
          size="compact-sm"
          variant="default"
          mt={4}
          onClick={() => {
            notices.hide(one.id);
            go();
          }}
        >
          {nextOf(one)}
        </Button>
      </>
    ),
    closeButtonProps: { "aria-label": t("Close") },
    autoClose: 12_000,
  });
}

const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full" });

/** "Today", "Yesterday", or the date. */
function dayWord(at: string, now: Date): string {
  const day = new Date(at).toDateString();
  if (day === now.toDateString()) return t("Today");
  const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  return day === before.toDateString() ? t("Yesterday") : dayFormat.format(new Date(at));
}

function NotificationList(props: { onLeave: () => void }) {
  const [pages, setPages] = useState(1);
  const reading = useData(listQuery, {}, pages);
  const { unread } = useContext(BellContext);
  const work = useWork();
  // What comes while the list is open stands in it at once.
  const { reload } = reading;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `unread` only says "ask again"
  useEffect(reload, [unread, reload]);
  return (
    <>
      <Group justify="space-between" mb={12}>
        <Button
          size="compact-sm"
          variant="default"
          disabled={unread === 0}
          title={unread === 0 ? t("Everything is read.") : undefined}
          loading={work.isBusy}
          onClick={() => work.run(async () => void (await act(readNotifications, { ids: null })))}
        >
          {t("Mark all as read")}
        </Button>
        <Link to="/settings" hash="notifications" onClick={props.onLeave}>
          {t("What I am told")}
        </Link>
      </Group>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Loaded reading={reading}>
        {({ notifications }) => {
          const now = new Date();
          const byDay = Map.groupBy(notifications.nodes, ({ createdAt }) => dayWord(createdAt, now));
          return notifications.nodes.length === 0 ? (
            <Empty
              title={t("Nothing to tell yet")}
              text={t("When something that you started ends, or somebody needs you, it stands here.")}
            />
          ) : (
            <>
              {[...byDay].map(([day, all]) => (
                <section key={day} className="e-told">
                  <h3>{day}</h3>
                  <ul>
                    {all.map((one) => (
                      <Told key={one.id} one={one} onLeave={props.onLeave} />
                    ))}
                  </ul>
                </section>
              ))}
              {notifications.pageInfo.hasNextPage ? (
                <Button variant="default" mt={12} onClick={() => setPages(pages + 1)}>
                  {t("Show more")}
                </Button>
              ) : null}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Told(props: { one: Notification; onLeave: () => void }) {
  const { one } = props;
  const detail = detailOf(one);
  return (
    <li data-unread={one.readAt === null ? "" : undefined} data-tone={toneOf(one.kind)}>
      <p>
        <b>{titleOf(one)}</b> <When at={one.createdAt} />
      </p>
      {detail ? <p>{detail}</p> : null}
      <Group gap={8} mt={4}>
        <Button
          component={Link}
          to={one.next.path}
          size="compact-xs"
          variant="default"
          onClick={() => {
            void markRead([one.id]);
            props.onLeave();
          }}
        >
          {nextOf(one)}
        </Button>
        {one.readAt === null ? (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-label={t("Mark as read: {{title}}", { title: titleOf(one) })}
            onClick={() => void markRead([one.id])}
          >
            {t("Mark as read")}
          </Button>
        ) : null}
      </Group>
    </li>
  );
}
