import { type F32, type I32 } from "../../../src/emit/wasm/assembler/code.ts";
import { unreachable, when } from "../../../src/emit/wasm/assembler/control.ts";
import { f32, i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { refuse, type Kernel, type KernelWriter } from "../../../src/emit/wasm/kernel.ts";
import type { View } from "../../../src/kernels/view.ts";
import { isLone, type Stage } from "../../../src/plan/loops.ts";
import type { StepOf } from "../../../src/plan/plan.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import { elementsOf } from "../../../src/tensor/type.ts";
import { loneStep } from "./harness.ts";

/* Kernels that are slow and plain, for tests of what runs them. */

/** A function of a few numbers for each element; the largest is where a thread traps. */
export const TRAP = 1e9;

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

/** Rows of a dense table. */
function embedding(step: StepOf<"embedding">, k: KernelWriter): Kernel {
  const { table, ids } = step.operands;
  const [rows, width] = table.type.shape;
  const [read, from, to] = [k.address(ids), k.address(table), k.address(step.results[0]!)];
  const sizes = { count: k.size(elementsOf(ids.type)), rows: k.size(rows!), width: k.size(width!) };
  const phase = k.phase();
  const share = phase.share(sizes.count(phase));
  const id = phase.local("i32");
  const word = (at: I32, index: I32): I32 => i32.add(at, i32.shl(index, i32.const(2)));
  phase.push(
    phase.range(share.from, share.to, 1, (row) => [
      id.set(i32.load(word(read(phase), row))),
      refuse(phase, "id", id.get, sizes.rows(phase)),
      phase.range(i32.const(0), sizes.width(phase), 1, (column) => [
        i32.store(
          word(to(phase), i32.add(i32.mul(row, sizes.width(phase)), column)),
          i32.load(word(from(phase), i32.add(i32.mul(id.get, sizes.width(phase)), column))),
        ),
      ]),
    ]),
  );
  return k.finish("embedding", "Rows of a table.");
}

/** A dense copy. */
function copy(step: StepOf<"copy">, k: KernelWriter): Kernel {
  const [from, to] = [k.address(step.operands.x), k.address(step.results[0]!)];
  const count = k.size(elementsOf(step.operands.x.type));
  const phase = k.phase();
  const share = phase.share(count(phase));
  phase.push(
    phase.range(share.from, share.to, 1, (i) => {
      const at = i32.shl(i, i32.const(2));
      return [i32.store(i32.add(to(phase), at), i32.load(i32.add(from(phase), at)))];
    }),
  );
  return k.finish(isFloat(step.results[0]!.type.dtype) ? "copy" : "copy_whole", "A copy.");
}

export function kernelByHand(stage: Stage, k: KernelWriter): Kernel {
  const step = loneStep(stage);
  if (step.op === "elementwise") return elementwise(step, k);
  if (step.op === "embedding") return embedding(step, k);
  if (step.op === "copy") return copy(step, k);
  throw new Error(`no kernel by hand for ${step.op}`);
}
