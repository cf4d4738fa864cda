// Builds the page: one HTML file, or a static folder with all that it can fetch.
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds the page into a folder: `one-file` has everything in its index.html. */
export async function buildPlayground(folder, mode) {
  await build({
    configFile: join(root, "playground/vite.config.ts"),
    mode,
    logLevel: "error",
    build: { outDir: folder, emptyOutDir: true },
  });
}

/** What pages fetch from beside them when it is asked for. */
const data = [
  "weights/whale",
  "data/digits-images.idx.gz",
  "data/digits-labels.idx.gz",
  "data/moby-dick.txt.gz",
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, process.argv[2] ?? "out/playground");
  await buildPlayground(folder, "one-file");
  renameSync(join(folder, "index.html"), `${folder}.html`);
  await buildPlayground(folder, "folder");
  for (const path of data)
    cpSync(join(root, "examples", path), join(folder, "examples", path), { recursive: true });
  renameSync(`${folder}.html`, join(folder, "one-file.html"));
  console.log(`wrote ${folder}/index.html, to be served, and one-file.html beside it, which opens from disk`);
}
