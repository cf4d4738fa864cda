/**
 * What the page is made of: kilobytes of its parts, minified, each as gzip sends it by itself, and of the whole as one file.
 *
 *     npx tsx scripts/page-parts.ts
 *
 * A sum is more than the whole where parts are alike.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { build, type Rollup } from "vite";
import { buildPage } from "../test/browser/built-page.ts";

/** Where a module belongs, by the first of these that its path begins with. */
const parts: readonly (readonly [name: string, ...paths: readonly string[]])[] = [
  [
    "CodeMirror",
    ...["@codemirror", "@lezer", "style-mod", "w3c-keyname", "crelt", "@marijn"].map(
      (name) => `node_modules/${name}`,
    ),
  ],
  ["Ohm, which parses", "node_modules/ohm-js"],
  ["examples", "examples", "playground/examples"],
  ["families", "src/families"],
  ["panes, controls, workers", "playground", "src/report", "node_modules/diff"],
  ["language and library", "src/language", "src/std"],
  ["from text to graph", "src/lower"],
  ["graphs and ops", "src/ir", "src/ops", "src/tensor", "src/support", "src/kernels"],
  ["picture", "src/picture"],
  ["hover, completion, renaming", "src/editor"],
  ["passes and plan", "src/passes", "src/plan", "src/quantize", "src/compile"],
  ["emitter of WGSL", "src/emit/wgsl"],
  ["emitter of WebAssembly", "src/emit/wasm"],
  ["emitter of TypeScript, loops", "src/emit/ts", "src/emit/loops"],
  ["texts that modules carry", "src/emit"],
  ["gradients and training", "src/autodiff", "src/train"],
  ["states and sessions", "src/incremental", "src/session", "src/run"],
  ["checkpoints: safetensors, GGUF, archives", "src/checkpoint", "src/weights", "node_modules/fflate"],
  ["tokenizers", "src/text"],
];

const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "lmg-parts-"));
const texts = new Map<string, string[]>();

function partOf(id: string): string {
  // What a bundler adds of its own has no file.
  const path = relative(root, id.replace(/\?.*$/, "")).replace(/^.*node_modules\//, "node_modules/");
  return (
    parts.find(([, ...paths]) => paths.some((begin) => path.startsWith(begin)))?.[0] ?? "what joins them"
  );
}

/** Keeps the code of each module as it is bundled, without what nobody reads of it. */
const keeping = {
  name: "keep-modules",
  generateBundle(_: unknown, bundle: Rollup.OutputBundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      for (const [id, { code }] of Object.entries(chunk.modules)) {
        const part = partOf(id);
        texts.set(part, [...(texts.get(part) ?? []), code ?? ""]);
      }
    }
  },
};

await build({
  configFile: join(root, "playground/vite.config.ts"),
  mode: "folder",
  logLevel: "error",
  build: { outDir: folder, minify: false },
  plugins: [keeping],
  worker: { plugins: () => [keeping] },
});

const kilobytes = (text: string | Uint8Array): number => gzipSync(text, { level: 9 }).length / 1000;
const rows = await Promise.all(
  [...texts].map(async ([name, codes]) => {
    const minified = await Promise.all(
      codes.map(async (code) => (await transform(code, { minify: true, target: "esnext" })).code),
    );
    return { name, size: kilobytes(minified.join("")) };
  }),
);
const told = rows.toSorted((a, b) => b.size - a.size);
await buildPage(folder, "one-file");
told.push({ name: "**all, as one file**", size: kilobytes(readFileSync(join(folder, "index.html"))) });
console.log("| part | kB, gzip |\n|---|---:|");
for (const { name, size } of told) console.log(`| ${name} | ${size.toFixed(1)} |`);
rmSync(folder, { recursive: true, force: true });
