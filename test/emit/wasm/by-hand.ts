import type { F32 } from "../../../src/emit/wasm/assembler/code.ts";
import { unreachable, when } from "../../../src/emit/wasm/assembler/control.ts";
import { f32, i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import type { Kernel, KernelWriter } from "../../../src/emit/wasm/kernel.ts";
import type { KernelOf } from "../../../src/emit/wasm/kernel-table.ts";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import type { View } from "../../../src/kernels/view.ts";
import { isLone } from "../../../src/plan/loops.ts";
import type { StepOf } from "../../../src/plan/plan.ts";
import { elementsOf } from "../../../src/tensor/type.ts";

/** From here on a sum by hand traps. */
export const TRAP = 1e9;

/** Sums and products of elements, one by one. */
function elementwise(step: StepOf<"elementwise">, k: KernelWriter): Kernel {
  const [out] = step.results as [View];
  const inputs = step.operands.inputs.map((view) => ({ at: k.address(view), isAlone: isLone(view) }));
  const to = k.address(out);
  const count = k.size(elementsOf(out.type));
  const phase = k.phase();
  const { from, to: end } = phase.share(count(phase));
  phase.push(
    phase.range(from, end, 1, (i) => {
      const values = inputs.map(({ at, isAlone }) =>
        f32.load(isAlone ? at(phase) : i32.add(at(phase), i32.shl(i, i32.const(2)))),
      );
      const made: F32[] = [];
      for (const { op, args } of step.attrs.program.steps) {
        const [x, y] = args.map((arg): F32 => {
          if (arg.kind === "input") return values[arg.index]!;
          return arg.kind === "step" ? made[arg.index]! : f32.const(arg.value);
        });
        made.push(op === "mul" ? f32.mul(x!, y!) : f32.add(x!, y!));
      }
      const place = i32.add(to(phase), i32.shl(i, i32.const(2)));
      return [f32.store(place, made.at(-1)!), when(f32.ge(f32.load(place), f32.const(TRAP)), [unreachable])];
    }),
  );
  return k.finish(step.attrs.program.steps.map(({ op }) => op).join("_"), "A function of each element.");
}

/** Lone functions of elements by hand, all else as modules have it. */
export const kernelByHand: KernelOf = (stage, k, memoryOf) =>
  !("steps" in stage) && stage.op === "elementwise" ? elementwise(stage, k) : kernelOf(stage, k, memoryOf);
