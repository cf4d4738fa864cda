// The licences of the packages that a bundle contains.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The folder of the package that a bundled file belongs to. */
const packageOf = (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

/** A notice for each package of a bundle, as esbuild's metafile tells of it, in the order of their folders. */
export function noticesOf(metafile) {
  return [...new Set(Object.keys(metafile.inputs).map(packageOf))]
    .filter((path) => path !== undefined)
    .sort()
    .map((path) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
      const text = licenseOf(join(root, path)) ?? `Licence: ${license}`;
      return `${name} ${version}\n\n${text.trim()}\n`;
    });
}

function licenseOf(folder) {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"])
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch {
      continue;
    }
  return undefined;
}
