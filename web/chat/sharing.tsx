// A conversation as its project sees it: shared by its maker or not, and for others read-only with a copy one click away.
import { Button, Menu, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { copyConversation, shareConversation } from "./queries.ts";

/** The switch in a conversation's menu; for its maker. */
export function ShareItem(props: { conversation: { id: string; title: string; isShared: boolean } }) {
  const { id, title, isShared } = props.conversation;
  const work = useWork();
  const change = async (): Promise<void> => {
    await act(shareConversation, { id, isShared: !isShared });
    notifications.show({
      message: isShared
        ? t("“{{title}}” is private again.", { title })
        : t("Everybody in the project can read “{{title}}” now, and what you add to it.", { title }),
      closeButtonProps: { "aria-label": t("Close") },
    });
  };
  return (
    <Menu.Item
      onClick={() =>
        void work.run(() =>
          change().catch((thrown) => {
            notifications.show({ color: "red", message: toProblem(thrown).message });
          }),
        )
      }
    >
      {isShared ? t("Make private") : t("Share with the project")}
    </Menu.Item>
  );
}

/** In place of the composer, where a conversation is another's. */
export function SharedNotice(props: { id: string; maker: string | null }) {
  const navigate = useNavigate();
  const work = useWork();
  return (
    <div className="e-surface e-shared" role="status">
      <Text size="sm">
        {props.maker === null
          ? t("This conversation is shared with the project. You can read it; a copy is yours to go on with.")
          : t("{{name}} shares this conversation. You can read it; a copy is yours to go on with.", {
              name: props.maker,
            })}
      </Text>
      <Button
        loading={work.isBusy}
        onClick={() =>
          void work.run(async () => {
            const { conversation } = await act(copyConversation, { id: props.id });
            await navigate({ to: `/chat/${conversation.id}`, search: {} });
          })
        }
      >
        {t("Copy and go on")}
      </Button>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </div>
  );
}
