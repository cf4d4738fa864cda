/**
 * Starts the editors that are installed here, without a window, each with the lines of editors/README.md and nothing else, on the built `lmg lsp`:
 * mistakes, hover and renaming have to come.
 *
 *     npm run build && npx tsx scripts/try-editors.ts [--nvim PATH] [--emacs PATH]
 *
 * Neovim from 0.11 and Emacs from 29 (or 28 with the package eglot) are tried; what is not there is said and left out.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { nvim: { type: "string", default: "nvim" }, emacs: { type: "string", default: "emacs" } },
});

const editors = fileURLToPath(new URL("../editors", import.meta.url));
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** The lines of a language in README.md, which has one block of each. */
function documented(language: string): string {
  const readme = readFileSync(join(editors, "README.md"), "utf8");
  const [, lines] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "m").exec(readme) ?? [];
  if (lines === undefined) throw new Error(`README.md has no block of ${language}`);
  return lines;
}

const model = `model m(dim = 8) {
  input x: f32[B, dim]
  first: linear(dim)
  second: linaer(dim)
  output y
}
`;

const folder = mkdtempSync(join(tmpdir(), "lmg-editors-"));
mkdirSync(join(folder, "bin"));
writeFileSync(join(folder, "bin/lmg"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, {
  mode: 0o755,
});
mkdirSync(join(folder, "home"));
writeFileSync(join(folder, "package.json"), "{}\n");
const env = {
  ...process.env,
  HOME: join(folder, "home"),
  XDG_CONFIG_HOME: join(folder, "home"),
  PATH: `${join(folder, "bin")}${delimiter}${process.env["PATH"]}`,
};

/** What an editor says of the model, a line each: its version, the mistake, what hovering tells, and the line that was renamed. */
function tell(command: string, args: readonly string[]): string | undefined {
  writeFileSync(join(folder, "m.lmg"), model);
  const { error, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env,
    encoding: "utf8",
    timeout: 180_000,
  });
  if (error !== undefined && "code" in error && error.code === "ENOENT") return undefined;
  return stdout + stderr;
}

function nvim(): string | undefined {
  const init = join(folder, "init.lua");
  writeFileSync(init, documented("lua"));
  return tell(values.nvim, [
    "--headless",
    "-i",
    "NONE",
    "-u",
    init,
    "m.lmg",
    "-S",
    join(editors, "try/nvim.lua"),
  ]);
}

function emacs(): string | undefined {
  const init = join(folder, "init.el");
  writeFileSync(init, documented("elisp"));
  return tell(values.emacs, ["--batch", "-l", init, "-l", join(editors, "try/emacs.el")]);
}

/** What has to be among what an editor says. */
const wanted = [
  ["a mistake", /there is no layer called `linaer`/],
  ["hover", /linear\(dim\)|-> f32\[B, 8\]/],
  ["renaming", /^renamed: +head: linear\(dim\)$/m],
] as const;

let failed = false;
for (const [name, run] of [
  ["Neovim", nvim],
  ["Emacs", emacs],
] as const) {
  const told = run();
  if (told === undefined) {
    console.log(`${name}: not here`);
    continue;
  }
  const missing = wanted.filter(([, pattern]) => !pattern.test(told)).map(([what]) => what);
  failed ||= missing.length > 0;
  console.log(
    `${name} ${/^version: (.*)$/m.exec(told)?.[1] ?? ""}: ${missing.length === 0 ? "mistakes, hover and renaming come" : `no ${missing.join(", no ")}\n${told}`}`,
  );
}
rmSync(folder, { recursive: true, force: true });
if (failed) process.exitCode = 1;
