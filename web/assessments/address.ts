// The part of an assessment's address that says what is looked at: filters, the row that is open, what it is compared with.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Address = {
  show?: string;
  candidate?: string;
  than?: string;
  grader?: string;
  q?: string;
  by?: string;
  value?: string;
  row?: string;
  with?: string;
  own?: string;
  against?: string;
};

/** What the address says, and how it is changed; an undefined value leaves it. */
export function useAddress(): [Address, (change: Address) => void] {
  const search = useSearch({ strict: false }) as Address;
  const navigate = useNavigate();
  const change = useCallback(
    (wanted: Address) =>
      void navigate({
        to: ".",
        search: ((old: Record<string, unknown>) => ({ ...old, ...wanted })) as never,
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  );
  return [search, change];
}
