import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { i32 } from "../assembler/numbers.ts";
import type { WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTileOf, eachUnit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { tilesFor } from "../products/tile.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

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
  const packed = isInPanels ? dim(0) : multiplyDims(dim(4 * width), depth);
  const own = k.own(addDims(dim(aside), packed))(phase);
  const [xAt, xRow] = [k.address(x)(phase), k.size(bytes(rowStep(x)))(phase)];
  const [outAt, outRow] = [k.address(out)(phase), k.size(bytes(columns))(phase)];
  const rows = k.size(productOfDims(out.type.shape.slice(0, -1)))(phase);
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
  const name = epilogue.steps.length === 0 ? "linear" : `linear_${expressionName(epilogue)}`;
  return k.finish(name, "out = x wᵀ, each element finished before it is stored.");
};
