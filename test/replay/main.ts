import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { listWords } from "../../src/support/text.ts";
import { digestLine, digestsFile } from "./digests.ts";
import { hunksBetween, type Modules } from "./hunks.ts";
import { exampleNames, modulesOf } from "./modules.ts";

const help = `npx tsx test/replay/main.ts --update | --against COMMIT | --write FOLDER

  --update          keeps the digests of the modules of all examples as they are now
  --against COMMIT  prints what differs from the modules that another commit writes, each change once
  --write FOLDER    writes the modules`;

const { values: options } = parseArgs({
  options: {
    update: { type: "boolean", default: false },
    against: { type: "string" },
    write: { type: "string" },
  },
});

const root = fileURLToPath(new URL("../../", import.meta.url));

const currentModules = (): Modules =>
  new Map(exampleNames.flatMap((name) => modulesOf(name).map(({ path, text }) => [path, text])));

function writeModules(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of currentModules()) writeFileSync(join(folder, path), text);
}

/** The modules as the source of a commit writes them. */
function modulesAt(commit: string): Modules {
  const scratch = mkdtempSync(join(tmpdir(), "lmg-replay-"));
  const [tree, folder] = [join(scratch, "tree"), join(scratch, "modules")];
  const run = (command: string, args: readonly string[], cwd: string): unknown =>
    execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  try {
    run("git", ["worktree", "add", "--detach", tree, commit], root);
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
    run("npx", ["tsx", "test/replay/main.ts", "--write", folder], tree);
    return new Map(readdirSync(folder).map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    run("git", ["worktree", "prune"], root);
  }
}

/** Names of modules that are shown of a change that many have. */
const SHOWN = 4;

function printAgainst(commit: string): void {
  const hunks = hunksBetween(modulesAt(commit), currentModules());
  for (const { lines, modules } of hunks) {
    const more = modules.length - SHOWN;
    const shown = more <= 1 ? modules : [...modules.slice(0, SHOWN), `${more} more`];
    console.log(`@@ ${listWords(shown)} @@\n${lines.join("\n")}\n`);
  }
  console.log(`${hunks.length} changes`);
}

if (options.write !== undefined) writeModules(options.write);
else if (options.against !== undefined) printAgainst(options.against);
else if (options.update) {
  const lines = [...currentModules()].map(([path, text]) => digestLine({ path, text }));
  writeFileSync(digestsFile, `${lines.join("\n")}\n`);
  console.log(`${lines.length} modules`);
} else console.log(help);
