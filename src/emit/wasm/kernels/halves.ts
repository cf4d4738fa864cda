import { onlyView } from "../../../kernels/results.ts";
import { mergeAxes, type Axis, type View } from "../../../kernels/view.ts";
import { constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { isHalf, type Half } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { invariant } from "../../../support/invariant.ts";
import type { I32, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { HalfReader, HALVES, HalfWriter } from "../halves/convert.ts";
import { refuse, type WasmKernel } from "../kernel.ts";
import { startsOf } from "../products/starts.ts";

/** What a view's elements lie as. */
export function halfOfView({ type: { dtype } }: View): Half {
  invariant(isHalf(dtype), "a matrix of halves has another type");
  return dtype;
}

const bytes = (width: number, elements: Dim): Dim => multiplyDims(dim(width), elements);

/** Elements that a thread copies at a time where all lie in a row. */
const RUN = 1024;

/** Rows of elements, each row with its halves side by side. */
interface Rows {
  readonly outer: readonly Axis[];
  readonly inner: Axis;
}

/** The axes that a copy walks: the innermost is what of the halves lies side by side, or a run of a long row. */
function rowsOf(x: View, out: View): Rows {
  const one = { size: dim(1), strides: [dim(1), dim(1)] };
  const axes = mergeAxes(out.type.shape, [x.strides, out.strides]);
  const last = axes.at(-1) ?? one;
  // A lone row of a panel has its halves apart.
  if (constantDim(last.strides[1]!) !== 1) return { outer: axes, inner: one };
  const [inner, outer] = [last, axes.slice(0, -1)];
  const length = constantDim(inner.size)!;
  if (outer.length > 0 || length % RUN !== 0) return { outer, inner };
  const run = {
    size: dim(length / RUN),
    strides: inner.strides.map((stride) => multiplyDims(dim(RUN), stride)),
  };
  return { outer: [run], inner: { ...inner, size: dim(RUN) } };
}

/** Floats rounded to halves, which lie side by side in rows. */
export const halved_copy: WasmKernel<"copy"> = ({ operands: { x }, results }, k) => {
  const out = onlyView(results);
  const half = halfOfView(out);
  const phase = k.phase();
  const writer = new HalfWriter(phase, k.constants, half);
  const { outer, inner } = rowsOf(x, out);
  const isDense = constantDim(inner.strides[0]!) === 1;
  const step = k.sizeWord(bytes(4, inner.strides[0]!))(phase);
  const count = k.sizeWord(inner.size)(phase);
  const startOf = startsOf(
    k,
    phase,
    outer.map(({ size }) => size),
    [
      { address: k.address(x)(phase), steps: outer.map(({ strides }) => bytes(4, strides[0]!)) },
      { address: k.address(out)(phase), steps: outer.map(({ strides }) => bytes(2, strides[1]!)) },
    ],
    (size) => k.sizeWord(size),
  );
  const [from, to] = phase.locals("i32", 2) as [Local<"i32">, Local<"i32">];
  const lane = (at: I32): I32 =>
    isDense ? i32.add(from.get, i32.shl(at, i32.const(2))) : i32.add(from.get, i32.mul(at, step));
  const four = (at: I32, first: number, lanes: number): V128 => {
    if (isDense && lanes === 4) return v128.load(lane(at), 4 * first);
    const place = (index: number): I32 =>
      isDense ? i32.add(lane(at), i32.const(4 * index)) : lane(i32.add(at, i32.const(index)));
    return Array.from({ length: lanes - 1 }, (_, i) => i + 1).reduce<V128>(
      (vector, i) => v128.load32_lane(place(first + i), vector, i),
      v128.load32_zero(place(first)),
    );
  };
  const put = (at: I32): I32 => i32.add(to.get, i32.shl(at, i32.const(1)));
  const whole = i32.and(count, i32.const(-HALVES));
  const rows = k.sizeWord(productOfDims(outer.map(({ size }) => size)))(phase);
  const share = phase.share(rows);
  phase.push(
    phase.range(share.from, share.to, 1, (row) => {
      const [start, end] = startOf(row) as readonly [I32, I32];
      return [
        from.set(start),
        to.set(end),
        phase.range(i32.const(0), whole, HALVES, (at) =>
          writer.round([four(at, 0, 4), four(at, 4, 4)], (halves) => v128.store(put(at), halves)),
        ),
        phase.range(whole, count, 1, (at) =>
          writer.round([four(at, 0, 1), v128.zero], (halves) => v128.store16_lane(put(at), halves, 0)),
        ),
      ];
    }),
  );
  return k.finish(`copy_${half}`, "Floats to halves, the nearest of each.");
};

/** Rows of a table of halves by id: so many of its rows lie side by side, [rows / width][K][width]. */
export const half_embedding: WasmKernel<"embedding"> = (
  { operands: { table, ids }, attrs: { entries: rows }, results },
  k,
) => {
  const out = onlyView(results);
  const half = halfOfView(table);
  const [, columns, width] = table.type.shape as readonly [Dim, Dim, Dim];
  const side = constantDim(width)!;
  const phase = k.phase();
  const reader = new HalfReader(phase, k.constants, half);
  const [tableAt, outAt] = [k.address(table)(phase), k.address(out)(phase)];
  invariant(rows !== undefined, "a table in panels has rows");
  const [depth, entries] = [k.size(columns)(phase), k.size(dim(rows))(phase)];
  const idAt = startsOf(k, phase, ids.type.shape, [
    { address: k.address(ids)(phase), steps: ids.strides.map((stride) => bytes(4, stride)) },
  ]);
  const [id, from, to] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
  const share = phase.share(k.size(elementsOf(ids.type))(phase));
  const group = i32.mul(i32.div_u(id.get, i32.const(side)), i32.mul(depth, i32.const(2 * side)));
  const within = i32.shl(i32.rem_u(id.get, i32.const(side)), i32.const(1));
  const whole = side === 1 ? i32.and(depth, i32.const(-HALVES)) : i32.const(0);
  phase.push(
    phase.range(share.from, share.to, 1, (row) => [
      id.set(i32.load(idAt(row)[0]!)),
      refuse(phase, "id", id.get, entries),
      from.set(i32.add(tableAt, i32.add(group, within))),
      to.set(i32.add(outAt, i32.mul(row, i32.shl(depth, i32.const(2))))),
      phase.range(i32.const(0), whole, HALVES, (at) =>
        reader.read(2, i32.add(from.get, i32.shl(at, i32.const(1))), 0, (vector, floats) => [
          v128.store(i32.add(to.get, i32.shl(at, i32.const(2))), floats, 16 * vector),
        ]),
      ),
      phase.range(whole, depth, 1, (at) =>
        reader.one(i32.load16_u(i32.add(from.get, i32.mul(at, i32.const(2 * side)))), (floats) => [
          v128.store32_lane(i32.add(to.get, i32.shl(at, i32.const(2))), floats, 0),
        ]),
      ),
    ]),
  );
  return k.finish(`embedding_${half}`, "Rows of a table of halves by id.");
};
