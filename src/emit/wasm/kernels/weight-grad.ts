import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { lesser, select, when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { WasmKernel } from "../kernel.ts";
import { accumulate } from "../products/accumulate.ts";
import { BLOCK_ROWS, eachTileOf, eachUnit } from "../products/nest.ts";
import { isPartial } from "../products/panels.ts";
import { ColumnPacker } from "../products/pack.ts";
import { Place, TILE_BYTES } from "../products/place.ts";
import { tilesFor } from "../products/tile.ts";
import { Transposer } from "../products/transpose.ts";

/** Rows that are summed before they are added to what came before: a thread packs as many of both operands at a time. */
const DEPTH = 256;
/** From one row of the packed operand to the next: a line of the cache more, so that rows do not fall into the same sets. */
const ROW_BYTES = 4 * DEPTH + 64;

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/** A product over the rows: out = aᵀ x, where a is the gradient, or x itself for a weight that lies the other way. */
export const linear_weight_grad: WasmKernel<"linear_weight_grad"> = ({ operands, attrs, results }, k) => {
  const [a, x] = attrs.layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const [outer, inner] = [a.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const phase = k.phase();
  const tiles = tilesFor(phase, k.machine, inner);
  const [{ width }, last] = tiles;
  const own = k.own(dim(BLOCK_ROWS * ROW_BYTES + DEPTH * 4 * width + TILE_BYTES))(phase);
  const panel = phase.still(i32.add(own, i32.const(BLOCK_ROWS * ROW_BYTES)));
  const aside = i32.add(panel, i32.const(DEPTH * 4 * width));
  const [aAt, aRow] = [k.address(a)(phase), k.size(bytes(rowStep(a)))(phase)];
  const [xAt, xRow] = [k.address(x)(phase), k.size(bytes(rowStep(x)))(phase)];
  const depth = k.size(productOfDims(x.type.shape.slice(0, -1)))(phase);
  const sizes = { batch: i32.const(1), rows: k.size(outer)(phase), columns: k.size(inner)(phase), width };
  const out = new Place(phase, {
    address: k.address(onlyView(results))(phase),
    rowBytes: k.size(bytes(inner))(phase),
    width,
    aside: last === undefined && isPartial(inner, width) ? aside : undefined,
  });
  const [columns, rows] = [new ColumnPacker(phase, width), new Transposer(phase)];
  const [taken, packed] = [phase.local("i32"), phase.local("i32")];
  phase.push(
    // Also of no rows at all there is a sum, 0.
    phase.range(i32.const(0), select(depth, depth, i32.const(1)), DEPTH, (first) => [
      taken.set(lesser(i32.sub(depth, first), i32.const(DEPTH))),
      packed.set(i32.const(-1)),
      eachUnit(phase, sizes, (unit) => [
        when(i32.ne(packed.get, unit.rows.from), [
          packed.set(unit.rows.from),
          ...rows.transpose({
            from: i32.add(aAt, i32.add(i32.mul(first, aRow), i32.shl(unit.rows.from, i32.const(2)))),
            fromRow: aRow,
            rows: taken.get,
            columns: i32.sub(unit.rows.to, unit.rows.from),
            to: own,
            toRow: i32.const(ROW_BYTES),
          }),
        ]),
        ...columns.pack({
          from: i32.add(xAt, i32.add(i32.mul(first, xRow), i32.shl(unit.column, i32.const(2)))),
          rowBytes: xRow,
          depth: taken.get,
          left: unit.left,
          to: panel,
        }),
        ...eachTileOf(phase, unit, tiles, (each, at) => [
          ...each.multiply(at.rows, {
            x: i32.add(own, i32.mul(i32.sub(at.row, unit.rows.from), i32.const(ROW_BYTES))),
            rowBytes: i32.const(ROW_BYTES),
            panel,
            panelStep: i32.const(4 * width),
            depth: taken.get,
          }),
          ...accumulate(each, out, at, i32.eqz(first)),
        ]),
      ]),
    ]),
  );
  return k.finish("weight_grad", "out = aᵀ x, summed over the rows.");
};
