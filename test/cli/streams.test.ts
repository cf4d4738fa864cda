import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { folderWithCommand } from "./bundled.ts";

const at = folderWithCommand();

/** Runs a process with one of its streams on the device that has no room, where the system has one. */
function withFull(stream: "stdout" | "stderr", ...args: string[]) {
  const full = openSync("/dev/full", "w");
  try {
    const stdio =
      stream === "stdout" ? (["ignore", full, "pipe"] as const) : (["ignore", "pipe", full] as const);
    return spawnSync(process.execPath, [at("lmg.mjs"), ...args], {
      stdio: [...stdio],
      encoding: "utf8",
      env: { ...process.env, FORCE_COLOR: "0" },
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
  const path = at("warned.lmg");
  writeFileSync(
    path,
    "model warned {\n  input x: f32[B, 8]\n  repeat 4 { residual pre layernorm { linear(8) } }\n  output y: f32[B, 8]\n}\n",
  );
  expect(spawnSync(process.execPath, [at("lmg.mjs"), "check", path]).stderr.toString()).toContain("warning");
  expect(withFull("stderr", "check", path).status).toBe(0);
});

test("FORCE_COLOR brings colours into a pipe, and a pipe has none by itself", () => {
  const run = (FORCE_COLOR?: string) =>
    spawnSync(process.execPath, [at("lmg.mjs"), "check", "none.lmg"], {
      env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR },
      encoding: "utf8",
    }).stderr;
  expect(run()).toMatch(/^error\[E700\]: cannot read/);
  expect(run("1")).toContain("\u001b[31merror[E700]");
});
