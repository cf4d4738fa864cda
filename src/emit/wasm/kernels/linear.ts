import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { ScalarExpression } from "../../../ops/scalar.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { isHalf } from "../../../tensor/dtype.ts";
import type { Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { HalfReader } from "../halves/convert.ts";
import type { WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { PanelReader } from "../products/panels.ts";
import { Spread } from "../products/spread.ts";
import { tilesFor } from "../products/tile.ts";
import { eachRow, loneRow, SPREAD_TILES } from "./linear-rows.ts";

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
  const spread = !isInPanels && layout === "in_out" ? new Spread(phase, k.machine) : undefined;
  const packed = isRead ? dim(0) : multiplyDims(dim(4 * width), depth);
  const ownBytes = [dim(aside), packed, ...(spread === undefined ? [] : [dim(4 * SPREAD_TILES * width)])];
  const own = k.own(ownBytes.reduce((sum, each) => addDims(sum, each)))(phase);
  const [xAt, xRow] = [k.address(x)(phase), k.size(bytes(rowStep(x)))(phase)];
  const weightAt = k.address(weight)(phase);
  const weightRow = isInPanels ? i32.const(0) : k.size(bytes(rowStep(weight)))(phase);
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
    ...{ address: weightAt, rowBytes: weightRow },
    depth: depthOf,
    ...(isInPanels ? { panels: k.size(weight.type.shape[0]!)(phase) } : {}),
    width,
    own: i32.add(own, i32.const(aside)),
    sums: own,
  });
  const sizes = { batch: i32.const(1), rows, columns: k.size(columns)(phase), width };
  const from = { address: xAt, rowBytes: xRow };
  const together = (): Statement => eachRow(phase, { tiles, sizes, right, end, x: from });
  const alone = (lone: Spread): Statement =>
    loneRow(phase, lone, {
      ...{ tiles, sizes, end, x: xAt, depth: depthOf },
      weight: { address: weightAt, rowBytes: weightRow },
      sums: phase.still(i32.add(own, i32.const(aside))),
    });
  phase.push(
    spread === undefined ? together() : when(i32.eq(rows, i32.const(1)), [alone(spread)], [together()]),
  );
  return k.finish(
    nameOf(epilogue, halves && weight),
    "out = x wᵀ, each element finished before it is stored.",
  );
};
