// Attention by the kernels of WebAssembly, in one thread: `npx tsx test/bench/wasm-attention.ts [name]`.
// GFLOP/s (of processor time) of the median round, and its share of what 128-bit products and sums reach in the same process; rounds are
// interleaved. The FLOPs are those of the products that are needed: half of them where later keys are hidden.
import { setFlagsFromString } from "node:v8";
import { FunctionWriter } from "../../src/emit/wasm/assembler/function.ts";
import { i32 } from "../../src/emit/wasm/assembler/numbers.ts";
import { v128 } from "../../src/emit/wasm/assembler/simd.ts";
import { kernelOf } from "../../src/emit/wasm/kernels/table.ts";
import { machines, multiplyAdd, type Machine } from "../../src/emit/wasm/machine.ts";
import { attentionPlan, operandsOf, type Attention } from "../emit/wasm/attentions.ts";
import { loadKernels } from "../emit/wasm/harness.ts";
import { loopOf, timeOf } from "./loops.ts";
import { median } from "./statistics.ts";

if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
// As an engine warms up before it is measured: the first calls would run in V8's quick compiler.
setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-liftoff");

const rounds = 15;

interface Case {
  readonly name: string;
  readonly flops: number;
  readonly run: () => void;
  readonly bytes: number;
}

function attentionCase(op: "attend" | "attend_grad", given: Attention, machine: Machine): Case {
  const operands = operandsOf(given);
  const { batch = 1, heads = 1, queries, keys = queries, width, causal = false } = given;
  const { plan, sizes, inputs } = attentionPlan(op, given, operands);
  const { run, bytes } = loadKernels(plan, {
    inputs,
    sizes,
    machine,
    kernelOf: (stage, k) => kernelOf(stage, k, ({ buffer }) => `${buffer}`),
  });
  const products = op === "attend" ? 2 : 5;
  const pairs = causal && queries === keys ? (queries * (queries + 1)) / 2 : queries * keys;
  const sizesText = `T ${String(queries).padStart(4)} S ${String(keys).padStart(4)} ${batch * heads} × ${width}`;
  const name = `${op.padEnd(11)} ${sizesText}${causal ? " causal" : ""}`;
  return { name, flops: 2 * products * batch * heads * pairs * width, run, bytes };
}

/** Sums of products that wait for nothing: 12 of them, as the machine computes them. */
function ceiling(machine: Machine): Case {
  const turns = 1_000_000;
  const writer = new FunctionWriter([]);
  const sums = writer.locals("v128", 12);
  const factor = writer.local("v128");
  writer.push(
    factor.set(v128.load(i32.const(0))),
    writer.range(i32.const(0), i32.const(turns), 1, () =>
      sums.map((sum) => sum.set(multiplyAdd(machine, sum.get, factor.get, factor.get))),
    ),
    ...sums.map((sum, n) => v128.store(i32.const(0), sum.get, 64 + 16 * n)),
  );
  return { name: "ceiling", flops: 2 * 4 * 12 * turns, run: loopOf(writer, 1).run, bytes: 0 };
}

const long = (queries: number, width: number, causal: boolean): Attention => ({
  ...{ heads: 12, queries, width, causal, symbolic: true, lies: "columns" },
});

const decode = (keys: number): Attention => ({
  ...{ heads: 12, queries: 1, keys, width: 64, causal: true, symbolic: true },
});

/** As examples/chars.lmg trains, and twice as wide. */
const batches = [32, 64].map((width): Attention => ({
  ...{ batch: 12, heads: 4, queries: 64, width, causal: true, symbolic: true, lies: "columns" },
}));

const chosen = process.argv[2] ?? "";
for (const [machineName, machine] of Object.entries(machines)) {
  const widths = [64, 32];
  const cases = [
    ...[128, 1024].flatMap((queries) =>
      widths.flatMap((width) =>
        [false, true].map((causal) => attentionCase("attend", long(queries, width, causal), machine)),
      ),
    ),
    ...[1024, 4096].map((keys) => attentionCase("attend", decode(keys), machine)),
    ...[...batches, long(128, 64, true), long(1024, 64, true)].map((given) =>
      attentionCase("attend_grad", given, machine),
    ),
  ].filter(({ name }) => name.includes(chosen));
  const top = ceiling(machine);
  const speed = ({ run, flops }: Case): number => flops / timeOf(run) / 1e6;
  for (const each of [top, ...cases]) speed(each);
  const found = cases.map(() => [] as { readonly speed: number; readonly share: number }[]);
  for (let round = 0; round < rounds; round++)
    cases.forEach((each, index) => {
      const reached = speed(each);
      found[index]!.push({ speed: reached, share: reached / speed(top) });
    });
  cases.forEach(({ name, bytes }, index) => {
    const speeds = median(found[index]!.map((each) => each.speed)).toFixed(1);
    const share = (100 * median(found[index]!.map((each) => each.share))).toFixed(0);
    console.log(
      `${machineName.padEnd(8)} ${name.padEnd(44)} ${speeds.padStart(6)} GF ${share.padStart(4)} %  ${bytes} bytes`,
    );
  });
}
