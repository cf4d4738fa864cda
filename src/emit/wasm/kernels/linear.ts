import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { ScalarExpression } from "../../../ops/scalar.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { isHalf } from "../../../tensor/dtype.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { HalfReader } from "../halves/convert.ts";
import type { WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTileOf, eachUnit, type Unit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { Spread } from "../products/spread.ts";
import { tilesFor } from "../products/tile.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/** Tiles whose columns a lone row goes through together, where columns lie side by side: nearly a page of each row of the matrix. */
const SPREAD_TILES = 42;

const nameOf = (epilogue: ScalarExpression, halves: View | undefined): string =>
  [
    "linear",
    ...(halves === undefined ? [] : [halves.type.dtype]),
    ...(epilogue.steps.length === 0 ? [] : [expressionName(epilogue)]),
  ].join("_");

/** x Wᵀ a tile at a time, each finished by the epilogue in registers. A weight that does not lie in panels is packed. */
export const linear_epilogue: WasmKernel<"linear_epilogue"> = ({ operands, attrs, results }, k) => {
  const { x, weight, extras } = operands;
  const { epilogue, layout } = attrs;
  const out = onlyView(results);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const isInPanels = weight.type.shape.length === 3;
  const phase = k.phase();
  const tiles = tilesFor(phase, k.machine, columns);
  const [{ width }, last] = tiles;
  const aside = asideBytes(epilogue, extras.length);
  const { dtype } = weight.type;
  const halves = isInPanels && isHalf(dtype) ? new HalfReader(phase, k.constants, dtype) : undefined;
  const rowCount = productOfDims(out.type.shape.slice(0, -1));
  const isRead = isInPanels && (halves === undefined || constantDim(rowCount) === 1);
  const spread = !isInPanels && layout === "in_out" ? new Spread(phase, k.machine) : undefined;
  const spreadColumns = SPREAD_TILES * width;
  const packed = isRead ? dim(0) : multiplyDims(dim(4 * width), depth);
  const ownBytes = [dim(aside), packed, ...(spread === undefined ? [] : [dim(4 * spreadColumns)])];
  const own = k.own(ownBytes.reduce((sum, each) => addDims(sum, each)))(phase);
  const [xAt, xRow] = [k.address(x)(phase), k.size(bytes(rowStep(x)))(phase)];
  const [outAt, outRow] = [k.address(out)(phase), k.size(bytes(columns))(phase)];
  const rows = k.size(rowCount)(phase);
  const depthOf = k.size(depth)(phase);
  const end = new Epilogue(k, phase, epilogue, extras, {
    address: outAt,
    rowBytes: outRow,
    width,
    own,
    columns,
    hasLast: last !== undefined,
  });
  const right = new PanelReader(phase, k.machine, {
    lies: isInPanels ? "panels" : layout === "out_in" ? "rows" : "columns",
    halves,
    address: k.address(weight)(phase),
    rowBytes: isInPanels ? i32.const(0) : k.size(bytes(rowStep(weight)))(phase),
    depth: depthOf,
    width,
    own: i32.add(own, i32.const(aside)),
    sums: own,
  });
  const sizes = { batch: i32.const(1), rows, columns: k.size(columns)(phase), width };
  const together = (): Statement =>
    eachUnit(phase, sizes, (unit) => [
      ...right.makeReady(unit),
      ...eachTileOf(
        phase,
        unit,
        tiles,
        (each, at) => [
          ...right.multiply(each, at, { x: i32.add(xAt, i32.mul(at.row, xRow)), rowBytes: xRow }),
          ...end.finish(each, at, unit),
        ],
        right.fewRows,
      ),
      ...end.finishUnit(unit),
    ]);
  const alone = (lone: Spread): Statement => {
    const [start, column, left, count] = phase.locals("i32", 4) as [
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
    ];
    const sums = phase.still(i32.add(own, i32.const(aside)));
    const inBytes = (elements: I32): I32 => i32.shl(elements, i32.const(2));
    const panels = phase.still(i32.div_u(i32.add(sizes.columns, i32.const(width - 1)), i32.const(width)));
    const { from, to } = phase.share(panels);
    const last = phase.still(lesser(i32.mul(to, i32.const(width)), sizes.columns));
    const unit: Unit = {
      item: i32.const(0),
      panel: i32.const(0),
      column: column.get,
      left: left.get,
      rows: { from: i32.const(0), to: i32.const(1) },
    };
    return phase.range(from, to, SPREAD_TILES, (panel) => [
      start.set(i32.mul(panel, i32.const(width))),
      count.set(lesser(i32.sub(last, start.get), i32.const(spreadColumns))),
      ...lone.multiply({
        x: xAt,
        from: i32.add(k.address(weight)(phase), inBytes(start.get)),
        rowBytes: k.size(bytes(rowStep(weight)))(phase),
        depth: depthOf,
        columns: count.get,
        sums,
      }),
      phase.range(i32.const(0), count.get, width, (first) => [
        column.set(i32.add(start.get, first)),
        left.set(i32.sub(sizes.columns, column.get)),
        ...eachTileOf(phase, unit, tiles, (each, at) => [
          ...each.sums[0]!.map((sum, vector) =>
            sum.set(v128.load(i32.add(sums, inBytes(first)), 16 * vector)),
          ),
          ...end.finish(each, at, unit),
        ]),
        ...end.finishUnit(unit),
      ]),
    ]);
  };
  phase.push(
    spread === undefined ? together() : when(i32.eq(rows, i32.const(1)), [alone(spread)], [together()]),
  );
  return k.finish(
    nameOf(epilogue, halves && weight),
    "out = x wᵀ, each element finished before it is stored.",
  );
};
