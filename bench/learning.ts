// Does the sample show learning? Trains on its training rows through a running server, then asks base and customized
// model for the held-out rows and counts exact answers. Prints one JSON document.
//   ESPALIER_URL=… ESPALIER_KEY=… bun bench/learning.ts [PARAMETER=VALUE …]        e.g. seed=1 max_steps=60
import { learnSample } from "./exact.ts";

const { ESPALIER_URL, ESPALIER_KEY = "", ESPALIER_BIN } = process.env;
const settings = Object.fromEntries(
  process.argv.slice(2).map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
);
const learned = await learnSample(
  {
    command: [ESPALIER_BIN ?? `${new URL("..", import.meta.url).pathname}dist/espalier`],
    url: ESPALIER_URL ?? "http://127.0.0.1:7420",
    key: ESPALIER_KEY,
  },
  {
    base: "SmolLM2-135M-Instruct",
    dataset: "support-messages",
    name: `learning-${process.pid}`,
    settings,
  },
);
console.log(JSON.stringify(learned));
