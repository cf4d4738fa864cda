import { readFileSync } from "node:fs";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly default: string } | string>>;
}

/** The package's entries as they are imported (`lmg/ir`), and the file of the source that each is. */
export function entryFiles(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  return new Map(
    Object.entries(exports).flatMap(([entry, file]) =>
      typeof file === "string"
        ? []
        : [[`lmg${entry.slice(1)}`, file.default.replace("./dist/", "./src/").replace(/\.js$/, ".ts")]],
    ),
  );
}
