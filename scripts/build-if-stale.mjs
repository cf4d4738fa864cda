// Builds if dist is not what the sources make of themselves: so a clone needs no script of ours when packages are installed.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = [
  "src",
  "playground",
  "scripts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
];
/** What a build writes last: it is there only if all went well. */
const builtLast = "dist/report/LICENSES.txt";

const built = changedAt(builtLast);
if (built === undefined || built < Math.max(...sources.map(newestIn))) {
  process.stderr.write("building dist\n");
  execFileSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
}

/** When a file or folder was last changed, in milliseconds; undefined if there is none. */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

/** Folders change when files in them come and go. */
function newestIn(path) {
  const own = changedAt(path) ?? 0;
  if (!statSync(join(root, path)).isDirectory()) return own;
  return readdirSync(join(root, path)).reduce(
    (newest, name) => Math.max(newest, newestIn(join(path, name))),
    own,
  );
}
