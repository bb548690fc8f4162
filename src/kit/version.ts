// The version of this program: package.json's number, and in the executable the commit that it was built from.
import packageJson from "../../package.json";

declare const ESPALIER_VERSION: string;

/** E.g. `0.1.0+5774989`; `0.1.0-dev` when run from source. scripts/build.ts bakes the former in. */
export const version: string =
  typeof ESPALIER_VERSION === "string" ? ESPALIER_VERSION : `${packageJson.version}-dev`;
