import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync, transformSync } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeBlocks } from "./docs/markdown.ts";
import { entryFiles } from "./entries/entries.ts";

/** The package as it is installed: in an empty folder, its run-time dependencies beside it. */
let folder = "";
let listing: readonly string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lmg-package-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { stdio: "pipe" });
  const tarball = join(folder, readdirSync(folder)[0]!);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", tarball, "-C", modules]);
  listing = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  renameSync(join(modules, "package"), join(modules, "lmg"));
  for (const name of [...Object.keys(manifest().dependencies), "string-width", "@colors/colors"])
    link(name, modules);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const manifest = (): Manifest =>
  JSON.parse(readFileSync(join(folder, "node_modules/lmg/package.json"), "utf8")) as Manifest;

function link(name: string, modules: string): void {
  const [scope] = name.split("/");
  if (name.startsWith("@")) mkdirSync(join(modules, scope!), { recursive: true });
  symlinkSync(resolve("node_modules", name), join(modules, name));
}

test("the package works in an empty folder", () => {
  const node = (...args: string[]): string =>
    execFileSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const main = "node_modules/lmg/dist/cli/main.js";

  expect(node(main, "check", "node_modules/lmg/examples/gpt2.lmg")).toContain("gpt2 is well-formed");
  expect(node(main, "demo", "--prompt", "Call me ", "--generate", "5")).toContain("Call me from ");

  const [model, weights] = ["llama.lmg", "weights/whale"].map((path) => `node_modules/lmg/examples/${path}`);
  expect(node(main, "compile", model!, "--weights", weights!, "--generate", "-o", "page")).toContain(
    "wrote page/worker.js",
  );
  // Files for pages are as they were written, also in what was made one file of.
  expect(readFileSync(join(folder, "page/index.js"), "utf8")).toMatch(/= import\.meta\.url;/);
  // One script, with the licence of what is in it.
  const worker = readFileSync(join(folder, "page/worker.js"), "utf8");
  expect(worker.slice(0, 80)).toMatch(/^\/\*! Written by lmg\. It contains:\n\n@huggingface\/jinja /);
  expect(/^import\b|\bfrom"/m.test(worker)).toBe(false);

  writeFileSync(
    join(folder, "use.mjs"),
    `import { compile } from "lmg";
     import { expectFused } from "lmg/testing";
     const text = "model m(dim = 4) {\\n input x: f32[B, dim]\\n residual post ln: layernorm { up: linear(dim) }\\n output y\\n}";
     const { graph, remarks } = compile({ name: "m.lmg", text });
     expectFused({ graph, remarks }, 0);
     console.log(graph.nodes.map(({ op }) => op).join(" "));`,
  );
  expect(node("use.mjs")).toBe("linear add_norm\n");
  expect(node("-p", `require("lmg/package.json").name`)).toBe("lmg\n");

  // For a browser, with what is not used left out: here all of training and the back ends.
  const { metafile } = buildSync({
    stdin: { contents: `import { compile } from "lmg"; console.log(compile);`, resolveDir: folder },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
  });
  const bundled = Object.keys(Object.values(metafile.outputs)[0]!.inputs).join("\n");
  expect(bundled).toContain("dist/passes/");
  expect(bundled).not.toMatch(/dist\/(train|emit|checkpoint|text)\//);
});

/** Runs a program that a page shows, in the folder where the package is installed; what it prints. */
function runShown(text: string): string {
  writeFileSync(join(folder, "shown.mjs"), transformSync(text, { loader: "ts" }).code);
  return execFileSync(process.execPath, ["shown.mjs"], { cwd: folder, encoding: "utf8" });
}

const docs = readdirSync("docs").map((name) => `docs/${name}`);

test.each(
  ["README.md", ...docs, "src/entries/README.md"].flatMap((page) =>
    codeBlocks(readFileSync(page, "utf8"))
      .filter(({ info, text }) => info === "ts" && /from "lmg/.test(text) && !text.includes(`"lmg/run"`))
      .map(({ text, line }) => [page, line, text] as const),
  ),
)("the program of %s at line %d runs from the package", (_, __, text) => {
  expect(() => runShown(text)).not.toThrow();
});

test("the examples' pass and lint run from the package", () => {
  for (const name of ["fold-scale", "odd-width"])
    writeFileSync(
      join(folder, `${name}.mjs`),
      transformSync(readFileSync(`examples/extend/${name}.ts`, "utf8"), { loader: "ts" }).code,
    );
  const printed = runShown(`
    import { compile } from "lmg";
    import { passesWithFoldScale } from "./fold-scale.mjs";
    import { oddWidth } from "./odd-width.mjs";
    const attend = "((q: linear(6)) * 0.5 -> heads(2), k: linear(6) -> heads(2), v: linear(6) -> heads(2)) -> attend(scale: 1.0)";
    const text = "model m {\\n input x: f32[B, T, 8]\\n " + attend + "\\n output y\\n}";
    const { graph, diagnostics } = compile({ name: "m.lmg", text }, { passes: passesWithFoldScale, lints: [oddWidth] });
    console.log(graph.nodes.find(({ op }) => op === "attend").attrs.scale, diagnostics.map(({ code }) => code).join());`);
  expect(printed).toBe("0.5 lab/odd-width,lab/odd-width,lab/odd-width\n");
});

test("the pages' program generates with a model of the package, from its entry", () => {
  symlinkSync(join(folder, "node_modules/lmg/examples"), join(folder, "examples"));
  const program = codeBlocks(readFileSync("docs/library.md", "utf8")).find(({ text }) =>
    /import \{[^}]*\bgenerate\b[^}]*\} from "lmg\/run"/.test(text),
  )!;
  const [candidates, text] = runShown(program.text).split(/(?<=\n)(?=Call me )/);
  expect(candidates).toMatch(/^\[\s+\[ '.', 0\.\d+ \],/);
  expect(text).toMatch(/^Call me [^.]+\.?$/);
});

test.each([
  ["lmg/run", `openEngine, generate, compareTargets`, /dist\/(?:cli|report)\//],
  ["lmg/report", `trainingReport, edgeRows`, /dist\/(?:cli|emit)\//],
  ["lmg/ir", `runPasses, planGraph, interpret`, /dist\/(?:cli|emit|train|run|report|checkpoint)\//],
  ["lmg/train", `Trainer, openData, trainingEngines`, /dist\/(?:cli|report)\//],
  ["lmg/editor", `compile, outlineOf, fixedText`, /dist\/(?:cli|emit|train|run|report|checkpoint)\//],
])("%s is made for a browser, where nothing of Node and of the command line is", (entry, names, others) => {
  const { metafile } = buildSync({
    stdin: { contents: `import { ${names} } from "${entry}"; console.log(${names});`, resolveDir: folder },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const bundled = Object.keys(Object.values(metafile.outputs)[0]!.inputs).join("\n");
  expect(bundled).toContain(entryFiles().get(entry)!.replace("./src/", "dist/").replace(".ts", ".js"));
  expect(bundled).not.toMatch(others);
});

test("the package holds what people need and nothing else", () => {
  const roots = new Set(listing.map((path) => path.split("/")[1]));
  expect([...roots].sort()).toEqual([
    "LICENSE",
    "README.md",
    "dist",
    "docs",
    "examples",
    "grammar",
    "package.json",
  ]);
});

test("to install it runs no script", () => {
  const onInstall = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
  expect(Object.keys(manifest().scripts).filter((name) => onInstall.includes(name))).toEqual([]);
  // npm would compile what has such a file.
  expect(listing.filter((path) => path.endsWith("binding.gyp"))).toEqual([]);
});

test.each([
  ["nodenext", "nodenext", ["es2022"]],
  ["node16", "node16", ["es2022", "dom"]],
  ["esnext", "bundler", ["es2022"]],
  ["esnext", "bundler", ["es2022", "dom"]],
])("a strict project type-checks with it: %s, %s, %j", (module, moduleResolution, lib) => {
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
  const compilerOptions = {
    ...strict,
    module,
    moduleResolution,
    lib,
    target: "es2022",
    types: [],
    noEmit: true,
  };
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  writeFileSync(
    join(folder, "use.ts"),
    `import { compile, emitTypeScript, type Compilation } from "lmg";
     import { fixedText, type TextMeaning } from "lmg/editor";
     import { makeNode, passes, portableTarget, type Lint, type Pass, type Target } from "lmg/ir";
     import { webgpuEngine, type TrainingTarget } from "lmg/train";
     import { edgeRows, type TrainingReport } from "lmg/report";
     import { engines, generate, openEngine, type Engine, type Problem, type TargetName } from "lmg/run";
     import { dawnAdapter, openCheckpoint } from "lmg/run/node";
     import { expectFused } from "lmg/testing";
     const compilation: Compilation = compile({ name: "m.lmg", text: "model m { input x: f32[B, 4]; output y = x }" });
     expectFused(compilation, 0);
     export const files = compilation.plan === undefined ? [] : emitTypeScript(compilation.plan).files;
     export const paths: readonly string[] = files.map(({ path }) => path);
     export const engine = webgpuEngine;
     export const open: (...given: Parameters<typeof openEngine>) => Promise<Engine | Problem> = openEngine;
     export const titles = (Object.keys(engines) as TargetName[]).map((name) => engines[name].runs);
     export const more = [edgeRows, generate, dawnAdapter, openCheckpoint] satisfies readonly unknown[];
     export type Report = TrainingReport;
     export const target: Target = { ...portableTarget, limits: { ...portableTarget.limits, inputs: 3 } };
     export const lint: Lint = { name: "mine", code: "mine/none", find: () => [] };
     export const own: readonly Pass[] = [...passes, { name: "none", doc: "", run: (graph) => graph }];
     compile({ name: "m.lmg", text: "" }, { target, lints: [lint], passes: own });
     export type Others = [TextMeaning, TrainingTarget, typeof fixedText, typeof makeNode];
     // @ts-expect-error: what the package says is known, and no \`any\`.
     export const wrong: number = compilation;`,
  );
  const said = spawnSync(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(said.stdout).toBe("");
  expect(said.status).toBe(0);
});
