// The conversations so far: beside the chat where there is room, in a drawer where there is not.
import { ActionIcon, Button, Group, Modal, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { relativeTime } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { deleteConversation, historyQuery } from "./queries.ts";

type Held = { id: string; title: string };

function DeleteDialog(props: { conversation: Held | null; openId: string | null; onClose: () => void }) {
  const { conversation } = props;
  const work = useWork();
  const navigate = useNavigate();
  return (
    <Modal opened={conversation !== null} onClose={props.onClose} title={t("Delete this conversation?")}>
      <Text size="sm">
        {t("“{{title}}” and its messages are gone for good.", conversation ?? { title: "" })}
      </Text>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Group justify="flex-end" mt={16}>
        <Button variant="default" onClick={props.onClose} data-autofocus>
          {t("Keep it")}
        </Button>
        <Button
          color="red.9"
          loading={work.isBusy}
          onClick={() =>
            conversation &&
            work.run(async () => {
              await act(deleteConversation, { id: conversation.id });
              props.onClose();
              if (conversation.id === props.openId) await navigate({ to: "/chat" });
            })
          }
        >
          {t("Delete conversation")}
        </Button>
      </Group>
    </Modal>
  );
}

export function History(props: { openId: string | null; onPicked?: () => void }) {
  const [pages, setPages] = useState(1);
  const [leaving, setLeaving] = useState<Held | null>(null);
  const { data } = useData(historyQuery, {}, pages);
  const conversations = data?.conversations.nodes;
  return (
    <>
      <Button component={Link} to="/chat" variant="default" fullWidth size="xs" onClick={props.onPicked}>
        {t("New conversation")}
      </Button>
      {conversations?.length === 0 ? (
        <Text size="xs" c="dimmed" mt={12} ta="center">
          {t("What you talk about is kept here.")}
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
                {[relativeTime(conversation.updatedAt, Date.now()), conversation.models.join(", ")].join(
                  " · ",
                )}
              </small>
            </Link>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={t("Delete {{name}}", { name: conversation.title })}
              onClick={() => setLeaving(conversation)}
            >
              <IconTrash size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
      {data?.conversations.pageInfo.hasNextPage ? (
        <Button variant="subtle" fullWidth size="xs" onClick={() => setPages(pages + 1)}>
          {t("Show older")}
        </Button>
      ) : null}
      <DeleteDialog conversation={leaving} openId={props.openId} onClose={() => setLeaving(null)} />
    </>
  );
}
