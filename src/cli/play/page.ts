import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a build has the page, with everything in it. */
const BUILT = fileURLToPath(new URL("../../playground/index.html", import.meta.url));

/** What builds it; the sources of lmg themselves have nothing that was built. */
const BUILDER = new URL("../../../scripts/playground.mjs", import.meta.url).href;

/** The page as one HTML file. */
export async function playgroundPage(): Promise<string> {
  if (existsSync(BUILT)) return readFileSync(BUILT, "utf8");
  const { buildPlayground } = (await import(BUILDER)) as {
    readonly buildPlayground: (folder: string, mode: "one-file") => Promise<void>;
  };
  const folder = mkdtempSync(join(tmpdir(), "lmg-playground-"));
  try {
    await buildPlayground(folder, "one-file");
    return readFileSync(join(folder, "index.html"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
