// Starts an engine child from source, for tests and benchmarks that have no executable; `espalier engine` does the same.
import { runEngineChild } from "./child.ts";

await runEngineChild();
