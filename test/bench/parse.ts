import { readdirSync, readFileSync } from "node:fs";
import { parse } from "../../src/language/parse.ts";

/*
 * Time and memory of the parser over files of growing length, made of the test programs:
 * `node --expose-gc --import tsx test/bench/parse.ts`. Both should grow in step with the length.
 */

const folder = new URL("../programs/", import.meta.url);
const definitions = readdirSync(folder)
  .filter((name) => name !== "words.lmg")
  .map((name) => readFileSync(new URL(name, folder), "utf8").replaceAll(/^use .*$/gm, ""))
  .join("\n")
  .split(/(?<=^\}\n)/m);

/** MB that are in use. */
function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

/** The definitions over and over, up to a length. */
function textOf(length: number): string {
  const parts: string[] = [];
  let size = 0;
  for (let index = 0; ; index++) {
    const part = definitions[index % definitions.length]!;
    size += part.length;
    if (size > length) return parts.join("");
    parts.push(part);
  }
}

parse({ name: "warm-up.lmg", text: textOf(32 * 1024) });
console.log("     KB   lines      ms  KB/s  tree MB  max RSS MB");
for (const kilobytes of [16, 32, 64, 128, 256]) {
  const text = textOf(kilobytes * 1024);
  const before = heap();
  const start = performance.now();
  const { file, diagnostics } = parse({ name: "bench.lmg", text });
  const time = performance.now() - start;
  if (diagnostics.length > 0 || file.definitions.length === 0) throw new Error("the programs should parse");
  const tree = heap() - before;
  const cells = [
    (text.length / 1024).toFixed(0).padStart(7),
    String(text.split("\n").length).padStart(7),
    time.toFixed(0).padStart(7),
    (text.length / 1.024 / time).toFixed(0).padStart(5),
    tree.toFixed(1).padStart(8),
    (process.resourceUsage().maxRSS / 1024).toFixed(0).padStart(11),
  ];
  console.log(cells.join(" "));
}
