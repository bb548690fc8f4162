// A name that can be changed where it stands: in a page's title and in the rows of lists.
import { ActionIcon, Group, TextInput } from "@mantine/core";
import { IconCheck, IconPencil, IconX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { sentencesOf } from "../api/errors.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";

const renameThing = graphql(`
  mutation RenameThing($id: ID!, $name: String!) {
    rename(id: $id, name: $name) {
      __typename
      ... on RenameSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

export type Renamable = { id: string; name: string };

/** What shows the name, with a pencil beside it; while the name is changed, a field in its place. */
export function EditableName(props: {
  thing: Renamable;
  children: ReactNode;
  /** What stays for those who cannot see the field: a page keeps its heading. */
  unseen?: ReactNode;
}) {
  const { thing } = props;
  const [typed, setTyped] = useState<string | null>(null);
  /** Whether the field was just left: the keyboard goes on from the button that opened it. */
  const [isBack, setBack] = useState(false);
  const work = useWork();
  if (typed === null)
    return (
      <span className="e-name">
        {props.children}
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          autoFocus={isBack}
          aria-label={t("Rename {{name}}", { name: thing.name })}
          onClick={() => setTyped(thing.name)}
        >
          <IconPencil size={14} aria-hidden />
        </ActionIcon>
      </span>
    );
  const leave = () => {
    work.setProblem(null);
    setTyped(null);
    setBack(true);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          if (typed.trim() !== thing.name) await act(renameThing, { id: thing.id, name: typed });
          leave();
        });
      }}
    >
      {props.unseen}
      <Group gap={4} align="flex-start" wrap="nowrap">
        <TextInput
          aria-label={t("New name of {{name}}", { name: thing.name })}
          size="xs"
          miw={240}
          value={typed}
          error={work.problem ? sentencesOf(work.problem) : null}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") leave();
          }}
          autoFocus
          onFocus={(event) => event.currentTarget.select()}
        />
        <ActionIcon type="submit" size={30} color="leaf" loading={work.isBusy} aria-label={t("Save name")}>
          <IconCheck size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon
          size={30}
          variant="subtle"
          color="gray"
          aria-label={t("Keep the old name")}
          onClick={leave}
        >
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </Group>
    </form>
  );
}
