// Puts the plot library into the one module of the build that uses it, so that installing lmg does not install it, and the command
// line into few files.
import { writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundleCommands } from "./bundle-cli.mjs";
import { noticesOf } from "./notices.mjs";
import { bundledWorker } from "./page-worker.mjs";
import { buildPlayground } from "./playground.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const file = join(root, "dist/report/draw.js");

// "browser" proves that reports can be made there; what is lmg's own stays in the files it has.
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [file],
  outfile: file,
  allowOverwrite: true,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2023",
  plugins: [{ name: "own-files-stay", setup: keepOwnFiles }],
  metafile: true,
  logLevel: "warning",
});

/** What the module imports of lmg is external; packages have files of the same names. */
function keepOwnFiles({ onResolve }) {
  onResolve({ filter: /^\.\// }, ({ path, importer }) =>
    importer === file ? { path, external: true } : undefined,
  );
}

// Also in place: what a page's worker imports is all in it.
const worker = join(root, "dist/page/worker.js");
writeFileSync(worker, await bundledWorker(worker));

await bundleCommands(join(root, "dist"));

// What `lmg play` serves.
await buildPlayground(join(root, "dist/playground"), "one-file");

writeFileSync(
  join(dirname(file), "LICENSES.txt"),
  `${relative(join(root, "dist"), file)} contains these packages.\n\n${noticesOf(metafile).join(`\n${"-".repeat(80)}\n\n`)}`,
);
