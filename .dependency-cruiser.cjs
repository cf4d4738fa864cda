// An import may only point up this list; no cycles; the core runs in a browser. `src/README.md` tells why.
const layers = [
  "support",
  "tensor",
  "ops",
  "kernels",
  "ir",
  "language",
  "std",
  "families",
  "lower",
  "passes",
  "quantize",
  "autodiff",
  "sharding",
  "session",
  "weights",
  "incremental",
  "testing",
  "plan",
  "emit",
  "compile.ts",
  "checkpoint",
  "import",
  "text",
  "run",
  "page",
  "train",
  "study",
  "export",
  "picture",
  "editor",
  "entries",
  "index.ts",
  "report",
  "cli",
];
/** The folders of `emit`, one a target. */
const targets = ["ts", "wasm", "wgsl"];
/** The folders of `export`, one an engine. */
const engines = ["torch", "onnx"];

const inLayer = (name) => (name.endsWith(".ts") ? `^src/${name.replace(".", "\\.")}$` : `^src/${name}/`);

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...layers.slice(0, -1).map((name, index) => ({
      name: `${name}-knows-nothing-below`,
      severity: "error",
      from: { path: inLayer(name) },
      to: { path: layers.slice(index + 1).map(inLayer) },
    })),
    ...["module", "loops", ...targets].map((name) => ({
      name: `emit-${name}-knows-no-other-target`,
      comment: "What every emitted module is made of stands in emit/module.",
      severity: "error",
      from: { path: `^src/emit/${name}/` },
      to: { path: targets.filter((target) => target !== name).map((target) => `^src/emit/${target}/`) },
    })),
    ...engines.map((name) => ({
      name: `export-${name}-knows-no-other-engine`,
      severity: "error",
      from: { path: `^src/export/${name}/` },
      to: { path: engines.filter((other) => other !== name).map((other) => `^src/export/${other}/`) },
    })),
    {
      name: "core-runs-in-a-browser",
      comment: "File access, processes and terminals belong to the command line and to checkpoint/files.ts.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli/|checkpoint/files)" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "emitted-code-and-core-use-few-packages",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli/|checkpoint/|train/data/|report/|text/chat)" },
      to: { dependencyTypes: ["npm"], pathNot: "node_modules/ohm-js" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".json"] },
  },
};
