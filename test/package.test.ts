import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";

/** Packs the repository as for the registry and unpacks it into an empty folder, its run-time dependencies beside it. */
function installPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), "lmg-package-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { stdio: "pipe" });
  const [tarball] = readdirSync(folder);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", join(folder, tarball!), "-C", modules]);
  renameSync(join(modules, "package"), join(modules, "lmg"));
  const manifest = JSON.parse(readFileSync(join(modules, "lmg", "package.json"), "utf8")) as {
    dependencies: Readonly<Record<string, string>>;
  };
  for (const name of [...Object.keys(manifest.dependencies), "string-width", "@colors/colors"])
    link(name, modules);
  return folder;
}

function link(name: string, modules: string): void {
  const [scope] = name.split("/");
  if (name.startsWith("@")) mkdirSync(join(modules, scope!), { recursive: true });
  symlinkSync(resolve("node_modules", name), join(modules, name));
}

test("the package works in an empty folder", () => {
  const folder = installPackage();
  const node = (...args: string[]): string =>
    execFileSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const main = "node_modules/lmg/dist/cli/main.js";

  expect(node(main, "check", "node_modules/lmg/examples/gpt2.lmg")).toContain("gpt2 is well-formed");
  expect(node(main, "demo", "--prompt", "Call me ", "--generate", "5")).toContain("Call me from ");

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

test("the package holds what people need and nothing else", () => {
  const listed = JSON.parse(
    execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      encoding: "utf8",
      stdio: "pipe",
    }),
  ) as readonly { files: readonly { path: string }[] }[];
  const roots = new Set(listed[0]!.files.map(({ path }) => path.split("/")[0]));
  expect([...roots].sort()).toEqual(["LICENSE", "README.md", "dist", "examples", "grammar", "package.json"]);
});
