import { execFileSync } from "node:child_process";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../../..");

/** The command as it is installed, of the sources as they are. */
export function builtMain(): string {
  execFileSync(process.execPath, [join(root, "scripts/build-if-stale.mjs")], { stdio: "inherit" });
  return join(root, "dist/cli/main.js");
}
