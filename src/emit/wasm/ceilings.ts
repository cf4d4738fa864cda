import { layoutCode } from "../../support/text.ts";
import { finishText, Names } from "../module/text.ts";
import type { I32, Statement, V128 } from "./assembler/code.ts";
import { i32 } from "./assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "./assembler/simd.ts";
import { binaryLines, kernelLines, workerLines } from "./code-lines.ts";
import { KernelTable } from "./kernel-table.ts";
import { Phase } from "./kernel.ts";
import type { Machine } from "./machine.ts";
import { ceilingRuntime } from "./runtime/ceilings.ts";
import { hostRuntime } from "./runtime/host.ts";
import { listRuntime } from "./runtime/lists.ts";
import { threadRuntime } from "./runtime/threads.ts";

/**
 * The module that finds out what kernels in WebAssembly can reach on a machine at best, as JavaScript: the same threads as a
 * model's do nothing but multiply and add, read, or copy. `openCeilings(threads)` is all that it exports.
 */
export function emitCeilings(): string {
  const table = new KernelTable(new Names([]), () => {
    throw new Error("a ceiling has no steps");
  });
  table.add("multiply_add", "x · y + z in registers, in independent chains", multiplyAdds);
  table.add("read", "the sum of words of memory", reads);
  table.add("copy", "words of memory, copied", copies);
  const code = [
    kernelLines(table),
    binaryLines(table, false),
    // Whoever opens it says how many.
    ["const THREADS_WORTH = 1;", ...workerLines],
    ...[hostRuntime, threadRuntime, listRuntime, ceilingRuntime].map((piece) => piece.code),
  ];
  return finishText(code.map((section) => layoutCode(section)).join("\n"), false);
}

/**
 * Chains that do not wait for each other: a core that begins two products a cycle and has each after 4 needs 8; 15 vectors
 * stay in registers in V8, two of them are factors.
 */
const CHAINS = 12;
/** Links of each chain in a turn, so that counting turns costs nothing. */
const LINKS = 4;

/** Floating-point operations of a turn of `multiply_add` in one thread. */
export const TURN_FLOPS = 2 * 4 * CHAINS * LINKS;

/** The record: how many turns; 16 bytes a thread for what comes out. */
function multiplyAdds({ fma }: Machine): Phase {
  const phase = new Phase();
  const [turns, sink] = [phase.word(0), phase.word(1)];
  const [x, y] = [phase.local("v128"), phase.local("v128")];
  const chains = phase.locals("v128", CHAINS);
  const half = v128.const([0.5, 0.5, 0.5, 0.5]);
  phase.push(
    x.set(half),
    y.set(half),
    phase.range(i32.const(0), turns, 1, () =>
      Array.from({ length: LINKS }, () => chains).flatMap((each) =>
        each.map((sum) =>
          // z · ½ + ½ and ½ · ½ + z: as many operations; the first goes to 1, what is added to in turn would grow.
          sum.set(
            fma ? f32x4.relaxed_madd(sum.get, x.get, y.get) : f32x4.add(f32x4.mul(sum.get, x.get), y.get),
          ),
        ),
      ),
    ),
    v128.store(
      placeOfThread(phase, sink),
      chains.map((sum): V128 => sum.get).reduce((all, sum) => f32x4.add(all, sum)),
    ),
  );
  return phase;
}

/** Places from which memory is read in step: one stream has two thirds of the speed of four. */
const STREAMS = 4;
/** Bytes that a turn of the loops below reads of a stream: 8 vectors, two lines of a core's cache. */
const STRIDE = 128;
const offsets = Array.from({ length: STRIDE / 16 }, (_, index) => 16 * index);

/** The record: where, how many bytes, how often; 16 bytes a thread for what comes out. */
function reads(): Phase {
  const phase = new Phase();
  const [from, bytes, turns, sink] = [phase.word(0), phase.word(1), phase.word(2), phase.word(3)];
  const sums = phase.locals("v128", offsets.length);
  const { first, last } = partOf(phase, from, bytes);
  const part = i32.div_u(i32.sub(last, first), i32.const(STREAMS * STRIDE));
  const apart = phase.still(i32.mul(part, i32.const(STRIDE)));
  const add = (at: I32): Statement[] =>
    sums.map((sum, index) => sum.set(i32x4.add(sum.get, v128.load(at, 16 * index))));
  const places = phase.locals("i32", STREAMS);
  phase.push(
    phase.range(i32.const(0), turns, 1, () => [
      ...places.map((place, stream) => place.set(i32.add(first, i32.mul(apart, i32.const(stream))))),
      phase.range(i32.const(0), apart, STRIDE, () =>
        places.flatMap((place) => [...add(place.get), place.set(i32.add(place.get, i32.const(STRIDE)))]),
      ),
      // What is left over of so many equal parts.
      phase.range(places.at(-1)!.get, last, STRIDE, add),
    ]),
    v128.store(
      placeOfThread(phase, sink),
      sums.map((sum): V128 => sum.get).reduce((all, sum) => i32x4.add(all, sum)),
    ),
  );
  return phase;
}

/** The record: from where, to where, how many bytes, how often. */
function copies(): Phase {
  const phase = new Phase();
  const [from, to, bytes, turns] = [phase.word(0), phase.word(1), phase.word(2), phase.word(3)];
  const { first, last } = partOf(phase, from, bytes);
  const away = phase.still(i32.sub(to, from));
  phase.push(
    phase.range(i32.const(0), turns, 1, () => [
      phase.range(first, last, STRIDE, (at) => {
        const target = phase.local("i32");
        return [
          target.set(i32.add(at, away)),
          ...offsets.map((offset) => v128.store(target.get, v128.load(at, offset), offset)),
        ];
      }),
    ]),
  );
  return phase;
}

const placeOfThread = (phase: Phase, sink: I32): I32 => i32.add(sink, i32.mul(phase.rank, i32.const(64)));

/** The addresses between which a thread's share of so many bytes lies. */
function partOf(phase: Phase, start: I32, bytes: I32): { readonly first: I32; readonly last: I32 } {
  const { from, to } = phase.share(i32.div_u(bytes, i32.const(STRIDE)));
  const address = (unit: I32): I32 => phase.still(i32.add(start, i32.mul(unit, i32.const(STRIDE))));
  return { first: address(from), last: address(to) };
}
