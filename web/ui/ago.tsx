// How long ago something was, counted on by the second.
import { useEffect, useState } from "react";
import { duration } from "./format.ts";

/** `ms`: how long ago it was when the server said so, by its own clock, so that the browser's need not agree. */
export function Ago(props: { ms: number; say: (ago: string) => string }) {
  const { ms } = props;
  const [counted, setCounted] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new answer of the server is counted on from
  useEffect(() => {
    const from = performance.now();
    setCounted(0);
    const timer = setInterval(() => setCounted(performance.now() - from), 1000);
    return () => clearInterval(timer);
  }, [ms]);
  return <>{props.say(duration((ms + counted) / 1000))}</>;
}
