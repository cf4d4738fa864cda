import { build, transform } from "esbuild";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { entryFiles } from "../../../entries/entries.ts";
import { publishedBert } from "../models.ts";
import { moduleOf, onnxParts } from "../prepare.ts";

/** Files of a server by their paths. */
export type Files = ReadonlyMap<string, string | Uint8Array>;

/** The files of a published model that an embedder reads beside its weights. */
const described = ["config.json", "tokenizer.json", "tokenizer_config.json"] as const;

/** What transformers.js fetches of onnxruntime-web. */
const runtime = ["ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"] as const;

const scripts = join(import.meta.dirname, "scripts");
const library = join(import.meta.dirname, "../node_modules/@huggingface/transformers");

/** A script of this folder with all that it imports, minified as a page would get it. */
async function bundled(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(scripts, name)],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    supported: { "top-level-await": true },
    external: ["./model.js"],
    alias: Object.fromEntries([...entryFiles()].map(([entry, file]) => [entry, resolve(file)])),
    logLevel: "error",
    write: false,
  });
  return outputFiles[0]!.text;
}

const html = (script: string): string =>
  `<!doctype html>\n<title>An embedder</title>\n<script type="module" src="${script}"></script>\n`;

/** The page of lmg's module for the published BERT in a folder, its weights as they were published. */
export async function lmgFiles(folder: string): Promise<Files> {
  const module = await moduleOf(publishedBert(folder), "wasm");
  return new Map<string, string | Uint8Array>([
    ["lmg.html", html("lmg.js")],
    ["lmg.js", await bundled("lmg.js")],
    ["model.js", (await transform(module, { minify: true, format: "esm" })).code],
    ["published/model.safetensors", readFileSync(join(folder, "model.safetensors"))],
    ...publishedFiles(folder),
  ]);
}

/** The page of transformers.js for the same model, with the ONNX form of it that frameworks export. */
export async function transformersFiles(folder: string): Promise<Files> {
  const { graph, weights } = publishedBert(folder);
  // The library looks for hidden states under this name.
  const outputs = graph.outputs.map((output) => ({ ...output, name: "last_hidden_state" }));
  return new Map<string, string | Uint8Array>([
    ["transformers.js.html", html("transformers.js")],
    ["transformers.js", await bundled("transformers.js")],
    ...runtime.map(
      (name) => [name, readFileSync(join(library, "node_modules/onnxruntime-web/dist", name))] as const,
    ),
    ["published/onnx/model.onnx", Buffer.concat(onnxParts({ ...graph, outputs }, weights(), "plain"))],
    ...publishedFiles(folder),
  ]);
}

const publishedFiles = (folder: string): readonly (readonly [string, Uint8Array])[] =>
  described.map((name) => [`published/${name}`, readFileSync(join(folder, name))]);

/** Scripts and WebAssembly of a page. */
export const codeOf = (files: Files): readonly Uint8Array[] =>
  [...files].flatMap(([path, content]) => (/\.(js|mjs|wasm)$/.test(path) ? [Buffer.from(content)] : []));
