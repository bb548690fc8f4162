// Two texts against each other, word by word: what only the first has is struck out, what only the second has is marked.
import { Text } from "@mantine/core";
import { type Change, diffWordsWithSpace } from "diff";
import { useMemo } from "react";
import { t } from "../i18n.ts";

/** The search for the shortest difference of two long texts that share little takes very long; so much is enough. */
const MOST_MS = 400;

export function TextDiff(props: { from: string; to: string }) {
  const { from, to } = props;
  const parts: Change[] | undefined = useMemo(
    () => diffWordsWithSpace(from, to, { timeout: MOST_MS }),
    [from, to],
  );
  if (!parts)
    return (
      <Text size="sm" c="dimmed">
        {t("They are too long and share too little to be compared word by word.")}
      </Text>
    );
  if (parts.every(({ added, removed }) => !added && !removed))
    return (
      <Text size="sm" c="dimmed">
        {t("They say the same.")}
      </Text>
    );
  return (
    <pre className="e-diff" dir="auto">
      {parts.map(({ value, added, removed }, at) => {
        const As = added ? "ins" : removed ? "del" : "span";
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of two immutable texts have no other identity
        return <As key={at}>{value}</As>;
      })}
    </pre>
  );
}
