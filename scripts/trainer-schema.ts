// Prints schema/trainer.json from schema/trainer.ts; --write stores it, --check fails when the stored file differs.
import { trainerContractJson } from "../schema/trainer.ts";

const file = new URL("../schema/trainer.json", import.meta.url);
const text = trainerContractJson();
if (process.argv.includes("--write")) {
  await Bun.write(file, text);
} else if (process.argv.includes("--check")) {
  if ((await Bun.file(file).text()) !== text) {
    console.error(
      "schema/trainer.json differs from schema/trainer.ts; run: bun scripts/trainer-schema.ts --write",
    );
    process.exit(1);
  }
} else {
  process.stdout.write(text);
}
