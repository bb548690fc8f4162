// The conversations so far, searched, renamed, exported and deleted: beside the chat, or in a drawer where it is narrow.
import { ActionIcon, Button, Group, Menu, Modal, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDots, IconSearch } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { useFocusBack } from "../ui/focus-back.ts";
import { relativeTime } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { sayDeleted } from "../ui/trash.tsx";
import { deleteConversation, historyQuery, renameConversation } from "./queries.ts";
import { ShareItem } from "./sharing.tsx";

type Held = { id: string; title: string };

function DeleteDialog(props: { conversation: Held; openId: string | null; onClose: () => void }) {
  const { id, title } = props.conversation;
  useFocusBack();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      isOpen
      onClose={props.onClose}
      title={t("Delete this conversation?")}
      confirm={t("Delete conversation")}
      run={async () => {
        await act(deleteConversation, { id });
        sayDeleted(t("{{name}} is deleted", { name: title }), [id]);
        if (id === props.openId) await navigate({ to: "/chat" });
      }}
    >
      <Text size="sm">
        {t(
          "“{{title}}”, its branches and what was thought of its replies go; you can undo it for seven days.",
          {
            title,
          },
        )}
      </Text>
    </ConfirmDialog>
  );
}

function RenameDialog(props: { conversation: Held; onClose: () => void }) {
  const { conversation } = props;
  useFocusBack();
  const [title, setTitle] = useState(conversation.title);
  const work = useWork();
  return (
    <Modal opened onClose={props.onClose} title={t("Rename this conversation")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work.run(async () => {
            await act(renameConversation, { id: conversation.id, title });
            props.onClose();
          });
        }}
      >
        <TextInput
          label={t("Title")}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
          data-autofocus
        />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end" mt={16}>
          <Button variant="default" onClick={props.onClose}>
            {t("Discard")}
          </Button>
          <Button type="submit" loading={work.isBusy}>
            {t("Rename conversation")}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

export function History(props: { openId: string | null; onPicked?: () => void }) {
  const [pages, setPages] = useState(1);
  const [chosen, setChosen] = useState<{ deed: "rename" | "delete"; on: Held } | null>(null);
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 200);
  const { data, problem } = useData(historyQuery, { search: search || null }, pages);
  const conversations = data?.conversations.nodes;
  return (
    <>
      <Button component={Link} to="/chat" variant="default" fullWidth size="xs" onClick={props.onPicked}>
        {t("New conversation")}
      </Button>
      <Button component={Link} to="/rated" variant="subtle" fullWidth size="xs" onClick={props.onPicked}>
        {t("Rated replies")}
      </Button>
      <TextInput
        mt={8}
        size="xs"
        aria-label={t("Search the conversations")}
        placeholder={t("Search the conversations")}
        leftSection={<IconSearch size={14} aria-hidden />}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      {problem ? <ProblemNotice problem={problem} /> : null}
      {conversations?.length === 0 ? (
        <Text size="xs" c="dimmed" mt={12} ta="center">
          {search
            ? t("Nothing matches “{{query}}”.", { query: search })
            : t("What you talk about is kept here.")}
        </Text>
      ) : null}
      <ul>
        {conversations?.map((conversation) => (
          <li key={conversation.id} {...(conversation.id === props.openId ? { "data-open": "" } : {})}>
            <Link
              to={`/chat/${conversation.id}`}
              title={conversation.title}
              onClick={props.onPicked}
              {...(conversation.id === props.openId ? { "aria-current": "page" } : {})}
            >
              {conversation.title}
              <small>
                {[
                  relativeTime(conversation.updatedAt, Date.now()),
                  sharedBy(conversation),
                  whoOf(conversation),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </small>
            </Link>
            <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
              <Menu.Target>
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color="gray"
                  aria-label={t("Actions for {{name}}", { name: conversation.title })}
                >
                  <IconDots size={14} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {conversation.isMine ? (
                  <>
                    <Menu.Item onClick={() => setChosen({ deed: "rename", on: conversation })}>
                      {t("Rename")}
                    </Menu.Item>
                    <ShareItem conversation={conversation} />
                  </>
                ) : null}
                <Menu.Item component="a" href={`/files/${conversation.id}.md`} download>
                  {t("Download as Markdown")}
                </Menu.Item>
                <Menu.Item component="a" href={`/files/${conversation.id}.json`} download>
                  {t("Download as JSON, with every branch")}
                </Menu.Item>
                {conversation.isMine ? (
                  <Menu.Item c="var(--e-red)" onClick={() => setChosen({ deed: "delete", on: conversation })}>
                    {t("Delete")}
                  </Menu.Item>
                ) : null}
              </Menu.Dropdown>
            </Menu>
          </li>
        ))}
      </ul>
      {data?.conversations.pageInfo.hasNextPage ? (
        <Button variant="subtle" fullWidth size="xs" onClick={() => setPages(pages + 1)}>
          {t("Show older")}
        </Button>
      ) : null}
      {chosen?.deed === "delete" ? (
        <DeleteDialog conversation={chosen.on} openId={props.openId} onClose={() => setChosen(null)} />
      ) : null}
      {chosen?.deed === "rename" ? (
        <RenameDialog conversation={chosen.on} onClose={() => setChosen(null)} />
      ) : null}
    </>
  );
}

/** Whether the project reads along, and by whose leave. */
function sharedBy(conversation: { isShared: boolean; isMine: boolean; maker: string | null }): string {
  if (!conversation.isShared) return "";
  if (conversation.isMine) return t("shared");
  return conversation.maker === null ? t("shared") : t("shared by {{name}}", { name: conversation.maker });
}

/** Who answered, unless that is still hidden. */
function whoOf(conversation: { isBlind: boolean; models: string[]; beside: { models: string[] }[] }): string {
  if (conversation.isBlind) return t("blind comparison");
  return [conversation, ...conversation.beside].flatMap(({ models }) => models).join(", ");
}
