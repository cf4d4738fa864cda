/**
 * Counts the source, for the table at the end of src/README.md: `npx tsx scripts/house.ts [FOLDER]`, a checkout of any
 * commit.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { functionsOf } from "../test/functions.ts";

const root = process.argv[2] ?? ".";

const files = (folder: string): readonly string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts") && !path.endsWith(".generated.ts"))
        .map((path) => join(folder, path))
    : [];

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const linesOf = (paths: readonly string[]): number =>
  paths.reduce((sum, path) => sum + read(path).split("\n").length - 1, 0);

/** Imports from the folder of one target into that of another. */
const acrossTargets = ["ts", "wgsl"].flatMap((target) =>
  files(`src/emit/${target}`).flatMap(
    (path) => read(path).match(new RegExp(`from "(\\.\\./)+${target === "ts" ? "wgsl" : "ts"}/`, "g")) ?? [],
  ),
);

const functions = files("src").flatMap((path) => functionsOf(path, read(path)));
const longest = functions.reduce((most, { lines }) => Math.max(most, lines), 0);

const isByHand = (path: string): boolean => !path.endsWith("table.ts");
const rows: readonly (readonly [string, number])[] = [
  ["lines of src", linesOf(files("src"))],
  [
    "TypeScript: kernels by hand and their helpers",
    linesOf([...files("src/emit/ts/kernels"), ...files("src/emit/ts/helpers")].filter(isByHand)),
  ],
  ["kernels that are loops, for every target", linesOf(files("src/emit/loops/kernels").filter(isByHand))],
  ["WGSL: kernels", linesOf(files("src/emit/wgsl/kernels").filter(isByHand))],
  ["imports across targets", acrossTargets.length],
  ["lines of the longest function", longest],
  ["functions of more than 60 lines", functions.filter(({ lines }) => lines > 60).length],
];
for (const [what, count] of rows) console.log(`${String(count).padStart(6)}  ${what}`);
