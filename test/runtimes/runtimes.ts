import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const { resolve } = createRequire(import.meta.url);

/** A runtime beside Node, from its npm package. */
interface Runtime {
  readonly name: string;
  /** Where its packages may have the program; a package whose scripts did not run has a stub. */
  readonly programs: readonly (readonly [packageName: string, path: string])[];
  /** What comes before the script. */
  readonly args: readonly string[];
}

/** A module may read files for its caller, and nothing else. */
export const runtimes: readonly Runtime[] = [
  {
    name: "Deno",
    programs: [[`@deno/${platform()}-${arch()}-glibc`, "deno"]],
    args: ["run", "--no-config", "--no-lock", "--no-remote", "--allow-read"],
  },
  {
    name: "Bun",
    programs: [
      ["bun", "bin/bun.exe"],
      [`@oven/bun-${platform()}-${arch()}`, "bin/bun"],
    ],
    args: ["run"],
  },
];

/** Programs have some 100 MB. */
const isProgram = (path: string): boolean => existsSync(path) && statSync(path).size > 10 ** 7;

const packageFolder = (name: string): string[] => {
  try {
    return [dirname(resolve(`${name}/package.json`))];
  } catch {
    return [];
  }
};

/** Undefined where npm installed none for this machine; under CI=true that is a failure. */
export function programOf({ name, programs }: Runtime): string | undefined {
  const program = programs
    .flatMap(([packageName, path]) => packageFolder(packageName).map((folder) => join(folder, path)))
    .find(isProgram);
  if (program !== undefined) return program;
  const line = `not run in ${name}: npm installed none for ${platform()} on ${arch()}`;
  if (process.env["CI"] === "true") throw new Error(line);
  console.warn(line);
  return undefined;
}

/** A process that waits for a worker for ever is not to hold the tests up. */
const PATIENCE = 240_000;

/** What a script prints in a runtime; it fails if the process does not end. */
export async function printedBy(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, DENO_DIR: join(tmpdir(), "lmg-deno"), DENO_NO_UPDATE_CHECK: "1" };
  const { stdout } = await promisify(execFile)(program, args, {
    env,
    timeout: PATIENCE,
    maxBuffer: 2 ** 27,
  });
  return stdout;
}
