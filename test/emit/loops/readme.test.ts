import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { emitTypeScript } from "../../../src/emit/ts/emit.ts";
import { codeBlocks } from "../../docs/markdown.ts";
import { planOf } from "../../plan/graphs.ts";

/** Without indentation, which is that of where the lines stand. */
const flat = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .join("\n");

test("the page shows the kernel of softmax and what is printed of it", () => {
  const [kernel, printed] = codeBlocks(readFileSync("src/emit/loops/README.md", "utf8"));
  expect(flat(readFileSync("src/emit/loops/kernels/reduce.ts", "utf8"))).toContain(flat(kernel!.text));
  const plan = planOf("dim B\n input %x: f32[B, 8]\n %y: f32[B, 8] = softmax(x: %x)\n output y = %y");
  expect(flat(emitTypeScript(plan).files[0]!.text)).toContain(flat(printed!.text));
});
