import type { View } from "../../../kernels/view.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { F32, I32, Statement } from "../assembler/code.ts";
import { select, when } from "../assembler/control.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import type { Pair } from "../products/planes.ts";

type Four = readonly [Dim, Dim, Dim, Dim];

/** The exponent of NaN and infinities. */
const ODD = 0x7f800000;
const isOdd = (bits: I32): I32 => i32.eq(i32.and(bits, i32.const(ODD)), i32.const(ODD));

const wordAt = (start: I32, index: I32): I32 => i32.add(start, i32.shl(index, i32.const(2)));

/** A weight [groups · O, I, R, S] as [groups · I, O, R, S], each window turned by half a circle. */
export interface TurnedWeight {
  readonly at: (phase: Phase) => I32;
  /** Whether an input, a row of it, has a weight that is no finite number, which is 0 here. */
  readonly isOdd: (phase: Phase, row: I32) => I32;
}

/**
 * Writes the phase that turns a weight. What is no finite number is left out: it would make NaN of the zeros that stand around and between
 * the elements of a gradient.
 */
export function turnWeight(k: KernelWriter, weight: View, groups: number, outputsPer: Dim): TurnedWeight {
  const [, inputs, ...window] = weight.type.shape as Four;
  const elements = elementsOf(weight.type);
  const rows = multiplyDims(inputs, dim(groups));
  const shared = k.shared(multiplyDims(dim(4), addDims(elements, rows)));
  const flags = k.size(multiplyDims(dim(4), elements));
  const flagAt = (phase: Phase, row: I32): I32 =>
    wordAt(phase.still(i32.add(shared(phase), flags(phase))), row);
  const phase = k.phase();
  const size = (of: Dim): I32 => k.size(of)(phase);
  const [from, to] = [k.address(weight)(phase), shared(phase)];
  const [inputsOf, outputsOf, taps] = [size(inputs), size(outputsPer), size(productOfDims(window))];
  const share = phase.share(size(rows));
  const [bits, odd, some] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
  phase.push(
    phase.range(share.from, share.to, 1, (row) => [
      some.set(i32.const(0)),
      phase.range(i32.const(0), outputsOf, 1, (output) => [
        phase.range(i32.const(0), taps, 1, (tap) => {
          const [group, input] = [i32.div_u(row, inputsOf), i32.rem_u(row, inputsOf)];
          const read = i32.add(i32.mul(i32.add(i32.mul(group, outputsOf), output), inputsOf), input);
          const written = i32.add(i32.mul(row, outputsOf), output);
          const turned = i32.sub(i32.sub(taps, i32.const(1)), tap);
          return [
            bits.set(i32.load(wordAt(from, i32.add(i32.mul(read, taps), tap)))),
            odd.set(isOdd(bits.get)),
            some.set(i32.or(some.get, odd.get)),
            i32.store(
              wordAt(to, i32.add(i32.mul(written, taps), turned)),
              select(odd.get, i32.const(0), bits.get),
            ),
          ];
        }),
      ]),
      i32.store(flagAt(phase, row), some.get),
    ]),
  );
  return { at: shared, isOdd: (phase, row) => i32.load(flagAt(phase, row)) };
}

/** What adds the products with weights that are no finite numbers to a gradient: only of windows that lay over an element. */
export function addOddWeights(k: KernelWriter, turned: TurnedWeight, given: Backward): void {
  const { grad, weight, out, attrs } = given;
  const [, inputs, ...window] = weight.type.shape as Four;
  const channels = out.type.shape[1]!;
  const phase = k.phase();
  const size = (of: Dim): I32 => k.size(of)(phase);
  const weightAt = k.address(weight)(phase);
  const [rows, inputsOf, outputsOf] = [size(channels), size(inputs), size(attrs.outputsPer)];
  const [windowHeight, windowWidth] = [size(window[0]), size(window[1])];
  const share = phase.share(size(multiplyDims(grad.type.shape[0]!, channels)));
  const [odd, output, kernel] = [phase.local("f32"), phase.local("i32"), phase.local("i32")];
  const addPlane = planeAdder(k, phase, given, odd.get);
  const each = (end: I32, body: (index: I32) => readonly Statement[]): Statement =>
    phase.range(i32.const(0), end, 1, body);
  phase.push(
    phase.range(share.from, share.to, 1, (plane) => {
      const [item, row] = [i32.div_u(plane, rows), i32.rem_u(plane, rows)];
      const [group, input] = [i32.div_u(row, inputsOf), i32.rem_u(row, inputsOf)];
      const outputs = i32.mul(i32.div_u(rows, inputsOf), outputsOf);
      const addWindow = each(windowHeight, (r) => [
        each(windowWidth, (s) => {
          const from = wordAt(weightAt, i32.add(i32.mul(i32.add(kernel.get, r), windowWidth), s));
          return [
            when(isOdd(i32.load(from)), [odd.set(f32.load(from)), ...addPlane(plane, output.get, [r, s])]),
          ];
        }),
      ]);
      const ofOutput = (index: I32): Statement[] => {
        const own = i32.add(i32.mul(group, outputsOf), index);
        return [
          output.set(i32.add(i32.mul(item, outputs), own)),
          kernel.set(i32.mul(i32.add(i32.mul(own, inputsOf), input), windowHeight)),
          addWindow,
        ];
      };
      return [when(turned.isOdd(phase, row), [each(outputsOf, ofOutput)])];
    }),
  );
}

/** Adds a weight times a plane of `grad` to a plane of `out`, where the weight's place in the window fell inside. */
function planeAdder(
  k: KernelWriter,
  phase: Phase,
  { grad, out, attrs }: Backward,
  odd: F32,
): (plane: I32, output: I32, place: Pair<I32>) => Statement[] {
  const size = (of: Dim): I32 => k.size(of)(phase);
  const [, , madeHeight, madeWidth] = (grad.type.shape as Four).map(size) as [I32, I32, I32, I32];
  const [, , height, width] = (out.type.shape as Four).map(size) as [I32, I32, I32, I32];
  const [gradAt, outAt] = [k.address(grad)(phase), k.address(out)(phase)];
  const [y, x, at] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
  const placed = (index: I32, axis: 0 | 1, tap: I32): I32 =>
    i32.add(i32.sub(i32.mul(index, i32.const(attrs.stride[axis]!)), i32.const(attrs.padding[axis]!)), tap);
  const element = (plane: I32, [rows, columns]: Pair<I32>, row: I32, column: I32): I32 =>
    i32.add(i32.mul(i32.add(i32.mul(plane, rows), row), columns), column);
  return (plane, output, [r, s]) => {
    const addOne = (oy: I32, ox: I32): Statement[] => {
      const g = f32.load(wordAt(gradAt, element(output, [madeHeight, madeWidth], oy, ox)));
      return [
        at.set(wordAt(outAt, element(plane, [height, width], y.get, x.get))),
        f32.store(at.get, f32.add(f32.load(at.get), f32.mul(odd, g))),
      ];
    };
    return [
      phase.range(i32.const(0), madeHeight, 1, (oy) => [
        y.set(placed(oy, 0, r)),
        when(i32.lt_u(y.get, height), [
          phase.range(i32.const(0), madeWidth, 1, (ox) => [
            x.set(placed(ox, 1, s)),
            when(i32.lt_u(x.get, width), addOne(oy, ox)),
          ]),
        ]),
      ]),
    ];
  };
}

interface Backward {
  /** [B, groups · O, …]: of the convolution's result. */
  readonly grad: View;
  readonly weight: View;
  /** [B, groups · I, …]: of its picture. */
  readonly out: View;
  readonly attrs: {
    readonly stride: readonly number[];
    readonly padding: readonly number[];
    /** Outputs of a group. */
    readonly outputsPer: Dim;
  };
}
