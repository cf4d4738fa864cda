import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where a build has the worker of pages, with all that it imports in it. */
const BUILT = fileURLToPath(new URL("../../page/worker.js", import.meta.url));

/** What builds it; the sources of lmg themselves have nothing that was built. */
const BUILDER = new URL("../../../scripts/page-worker.mjs", import.meta.url).href;

/** The script of the worker of a page. */
export async function pageWorker(): Promise<string> {
  if (existsSync(BUILT)) return readFileSync(BUILT, "utf8");
  const { bundledWorker } = (await import(BUILDER)) as {
    readonly bundledWorker: (entry: string) => Promise<string>;
  };
  return bundledWorker(BUILT.replace(/\.js$/, ".ts"));
}
