// Puts the plot library into the one module of the build that uses it, so that installing lmg does not install it.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

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

/** The folder of the package that a bundled file belongs to. */
const packageOf = (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

const packages = new Set(Object.keys(metafile.inputs).map(packageOf));
const notices = [...packages]
  .filter((path) => path !== undefined)
  .sort()
  .map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
    const text = licenseOf(join(root, path)) ?? `Licence: ${license}`;
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
writeFileSync(
  join(dirname(file), "LICENSES.txt"),
  `${relative(join(root, "dist"), file)} contains these packages.\n\n${notices.join(`\n${"-".repeat(80)}\n\n`)}`,
);

function licenseOf(folder) {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"])
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      continue;
    }
  return undefined;
}
