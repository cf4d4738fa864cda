// Makes few files of the command line: a process would read seven hundred before it does anything, and keep their texts.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

/** What has a build of its own, by the paths of modules that import it. */
const apart = /\/report\/draw\.js$/;

/**
 * Puts what `cli/main.js` of a build needs into that and chunks beside it, in the place of the modules of `cli`; those of the
 * library stay as they are for its entries. Packages stay outside. Names stay, so that the place of a bug can be told.
 */
export async function bundleCommands(dist) {
  const cli = join(dist, "cli");
  const { outputFiles } = await build({
    absWorkingDir: dist,
    entryPoints: [join(cli, "main.js")],
    outdir: cli,
    chunkNames: "[hash]",
    bundle: true,
    splitting: true,
    minifyWhitespace: true,
    minifySyntax: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    legalComments: "none",
    plugins: [{ name: "places", setup: (building) => keepPlaces(building, dist) }],
    write: false,
    logLevel: "warning",
  });
  rmSync(cli, { recursive: true });
  mkdirSync(cli);
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
}

/** A module of a command asks for files beside it by where it was; what stays outside is found from where it is now. */
function keepPlaces({ onLoad, onResolve }, dist) {
  onResolve({ filter: apart }, ({ path, resolveDir }) => ({
    path: relative(join(dist, "cli"), join(resolveDir, path)).replaceAll("\\", "/"),
    external: true,
  }));
  onLoad({ filter: /\.js$/ }, ({ path }) => {
    const text = readFileSync(path, "utf8");
    // Generated modules have it in texts.
    if (path.endsWith(".generated.js") || !text.includes("import.meta.url")) return undefined;
    const place = `./${relative(join(dist, "cli"), path).replaceAll("\\", "/")}`;
    return {
      contents: text.replaceAll("import.meta.url", `new URL(${JSON.stringify(place)}, import.meta.url).href`),
      resolveDir: dirname(path),
    };
  });
}
