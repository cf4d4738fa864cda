// The worker of a page, with all that it imports, as one script: a build writes it down, the command line of the sources makes it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { noticesOf } from "./notices.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The script of an entry, `src/page/worker.ts` or what the compiler made of it. */
export async function bundledWorker(entry) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  const notices = noticesOf(metafile).map((text) => text.trimEnd().replaceAll("*/", "* /"));
  return `/*! Written by lmg. It contains:\n\n${notices.join("\n\n")}\n*/\n${outputFiles[0].text}`;
}
