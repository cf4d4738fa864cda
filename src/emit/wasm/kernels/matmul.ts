import { onlyView } from "../../../kernels/results.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTile, eachUnit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { startsOf } from "../products/starts.ts";
import { Tile } from "../products/tile.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/** Nothing is done to the sums. */
const plain = { steps: [] } as const;

/** One product a pair of matrices; a panel of b is packed for each block of rows of a. */
export const matmul: WasmKernel<"matmul"> = ({ operands: { a, b }, attrs, results }, k) => {
  const out = onlyView(results);
  const leading = out.type.shape.slice(0, -2);
  const [rows, columns] = out.type.shape.slice(-2) as [Dim, Dim];
  const depth = a.type.shape.at(-1)!;
  const phase = k.phase();
  const tile = new Tile(phase, k.machine);
  const { width } = tile;
  const aside = asideBytes(plain, 0);
  const own = k.own(addDims(dim(aside), multiplyDims(dim(4 * width), depth)))(phase);
  const sizes = {
    batch: k.size(productOfDims(leading))(phase),
    rows: k.size(rows)(phase),
    columns: k.size(columns)(phase),
    width,
  };
  const [aRow, bRow] = [a, b].map((view) => k.size(bytes(view.strides.at(-2)!))(phase)) as [I32, I32];
  const outRow = k.size(bytes(columns))(phase);
  const depthOf = k.size(depth)(phase);
  const starts = phase.locals("i32", 3);
  const startOf = startsOf(
    k,
    phase,
    leading,
    [a, b].map((view) => ({ address: k.address(view)(phase), steps: view.strides.slice(0, -2).map(bytes) })),
  );
  const outAt = k.address(out)(phase);
  const [aAt, bAt, address] = starts.map(({ get }) => get) as [I32, I32, I32];
  const right = new PanelReader(phase, k.machine, {
    lies: attrs.transpose_b ? "rows" : "columns",
    address: bAt,
    rowBytes: bRow,
    depth: depthOf,
    width,
    own: i32.add(own, i32.const(aside)),
    sums: own,
  });
  const place = { address, rowBytes: outRow, width, own, columns, hasLast: false };
  const end = new Epilogue(k, phase, plain, [], place);
  phase.push(
    eachUnit(phase, sizes, (unit) => [
      ...startOf(unit.item).map((start, index) => starts[index]!.set(start)),
      starts[2]!.set(i32.add(outAt, i32.mul(unit.item, i32.mul(sizes.rows, outRow)))),
      ...right.makeReady(unit),
      ...eachTile(
        phase,
        unit,
        (at) => [
          ...right.multiply(tile, at, { x: i32.add(aAt, i32.mul(at.row, aRow)), rowBytes: aRow }),
          ...end.finish(tile, at, unit),
        ],
        { tileRows: tile.rows, fewRows: right.fewRows },
      ),
    ]),
  );
  return k.finish("matmul", "out = a b or a bᵀ, for each pair of matrices.");
};
