import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { ScalarExpression } from "../../../ops/scalar.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { isHalf } from "../../../tensor/dtype.ts";
import { i32 } from "../assembler/numbers.ts";
import { HalfReader } from "../halves/convert.ts";
import type { WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTileOf, eachUnit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { tilesFor } from "../products/tile.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

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
  const packed = isRead ? dim(0) : multiplyDims(dim(4 * width), depth);
  const own = k.own(addDims(dim(aside), packed))(phase);
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
  phase.push(
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
    ]),
  );
  return k.finish(
    nameOf(epilogue, halves && weight),
    "out = x wᵀ, each element finished before it is stored.",
  );
};
