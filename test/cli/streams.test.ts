import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "lmg-streams-")));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await build({
    entryPoints: [join(root, "src/cli/main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile: join(folder, "lmg.mjs"),
  });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a process with one of its streams on the device that has no room, where the system has one. */
function withFull(stream: "stdout" | "stderr", ...args: string[]) {
  const full = openSync("/dev/full", "w");
  try {
    const stdio =
      stream === "stdout" ? (["ignore", full, "pipe"] as const) : (["ignore", "pipe", full] as const);
    return spawnSync(process.execPath, [join(folder, "lmg.mjs"), ...args], {
      stdio: [...stdio],
      encoding: "utf8",
    });
  } finally {
    closeSync(full);
  }
}

test.runIf(process.platform === "linux")(
  "a disk that is full for the answer is a mistake, without a stack",
  () => {
    const { status, stderr } = withFull("stdout", "ops");
    expect(stderr).toBe("error[E700]: cannot write `standard output`: the disk is full\n");
    expect(status).toBe(1);
  },
);

test.runIf(process.platform === "linux")("what cannot be said on standard error changes nothing", () => {
  const path = join(folder, "warned.lmg");
  writeFileSync(
    path,
    "model warned {\n  input x: f32[B, 8]\n  repeat 4 { residual pre layernorm { linear(8) } }\n  output y: f32[B, 8]\n}\n",
  );
  expect(spawnSync(process.execPath, [join(folder, "lmg.mjs"), "check", path]).stderr.toString()).toContain(
    "warning",
  );
  expect(withFull("stderr", "check", path).status).toBe(0);
});
