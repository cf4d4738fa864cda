import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims } from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Kernel, KernelWriter, Phase, WasmKernel } from "../kernel.ts";
import { Dots } from "../packed/dots.ts";
import { GROUP, GROUP_VECTORS, type PackedMatrix } from "../packed/layout.ts";
import { productsOf } from "../packed/products.ts";
import { BESIDE_BYTES, codeBytes } from "../packed/rounding.ts";
import { ColumnUnpacker } from "../packed/unpack.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachRows, eachTile } from "../products/nest.ts";
import { Tile } from "../products/tile.ts";
import { Choices, ChosenRows } from "./choices.ts";
import { bytes, formOf, matrixOf, packedName, roundRows, rowsInStep, units } from "./packed-rows.ts";

type Routed = StepOf<"packed_routed_linear">;

/** Nothing is done to the sums. */
const plain = { steps: [] } as const;

/** x Wᵀ with the packed matrix that each row chose, as packed_linear multiplies: the rows of all matrices lie one behind the other. */
export const packed_routed_linear: WasmKernel<"packed_routed_linear"> = (step, k) =>
  step.attrs.activations === "int8" ? dots(step, k) : tiles(step, k);

const nameOf = ({ attrs }: Routed): string => `routed_${packedName(attrs)}`;

const choosingOf = ({ operands: { x, chosen }, attrs: { experts } }: Routed) => ({
  x,
  chosen,
  experts: dim(experts),
});

/** Where the result of a tile's rows goes. */
const resultOf = (k: KernelWriter, phase: Phase, step: Routed, rows: ChosenRows, width: number, own: I32) =>
  new Epilogue(k, phase, plain, [], {
    address: rows.places[0]!.at,
    rowBytes: rows.places[0]!.step,
    width,
    own,
    columns: onlyView(step.results).type.shape.at(-1)!,
    hasLast: false,
  });

/** All threads round the rows while one puts the choices in order; then each takes columns of what was chosen. */
function dots(step: Routed, k: KernelWriter): Kernel {
  const { x, chosen } = step.operands;
  const out = onlyView(step.results);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const blocks = multiplyDims(productOfDims(x.type.shape.slice(0, -1)), units(depth));
  const products = productsOf(k, formOf(step));
  const each = { codes: codeBytes(products.rounded), beside: BESIDE_BYTES };
  const codeRoom = multiplyDims(blocks, dim(each.codes + each.beside));
  const choosing = choosingOf(step);
  const shared = k.shared(addDims(codeRoom, Choices.bytes(choosing)));
  const codeBlocks = k.size(blocks);
  const behind =
    (bytesOfBlock: number) =>
    (phase: Phase): I32 =>
      phase.still(i32.add(shared(phase), i32.mul(codeBlocks(phase), i32.const(bytesOfBlock))));
  const besideAt = behind(each.codes);
  const choices = new Choices(k, choosing, behind(each.codes + each.beside));
  const first = k.phase();
  roundRows(k, first, x, { codes: shared, beside: besideAt, products });
  choices.write(first);

  const phase = k.phase();
  const inStep =
    constantDim(productOfDims(chosen.type.shape)) === 1 ? 1 : Math.min(2, rowsInStep(k, products));
  const tile = new Tile(phase, k.machine, { rows: inStep, vectors: GROUP_VECTORS });
  const matrix = matrixOf(k, phase, step, depth);
  const product = new Dots(k, phase, matrix, products, inStep, "apart");
  const rowBytes = (bytesOfUnit: number) => multiplyDims(units(depth), dim(bytesOfUnit));
  const rows = new ChosenRows(k, phase, choices, [
    { address: k.address(out), rowBytes: bytes(columns) },
    { address: shared, rowBytes: rowBytes(each.codes) },
    { address: besideAt, rowBytes: rowBytes(each.beside) },
  ]);
  const end = resultOf(k, phase, step, rows, GROUP, k.own(dim(asideBytes(plain, 0)))(phase));
  const [, codes, beside] = rows.places;
  const count = k.size(columns)(phase);
  phase.push(
    choices.eachUnit(phase, count, GROUP, (unit, expert) =>
      eachRows(phase, unit, inStep, (at) => {
        const { statements, within } = rows.enter(at);
        return [
          ...statements,
          ...product.multiply(
            i32.add(i32.mul(expert, count), unit.column),
            { at: codes!.at, step: codes!.step },
            { at: beside!.at, step: beside!.step },
            tile.sums.slice(0, at.rows),
          ),
          ...end.finish(tile, within, unit),
        ];
      }),
    ),
  );
  return k.finish(
    nameOf(step),
    "out = x wᵀ by whole numbers of 8 bits, with the matrix that each row chose.",
  );
}

/** A thread unpacks columns of a matrix that was chosen, then multiplies the rows that chose it by them. */
function tiles(step: Routed, k: KernelWriter): Kernel {
  const { x } = step.operands;
  const out = onlyView(step.results);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const choosing = choosingOf(step);
  const choices = new Choices(k, choosing, k.shared(Choices.bytes(choosing)));
  choices.write(k.phase());

  const phase = k.phase();
  const tile = new Tile(phase, k.machine);
  const { width } = tile;
  const aside = asideBytes(plain, 0);
  const own = k.own(addDims(dim(aside), multiplyDims(dim(4 * width), depth)))(phase);
  const panel = phase.still(i32.add(own, i32.const(aside)));
  const rows = new ChosenRows(k, phase, choices, [
    { address: k.address(out), rowBytes: bytes(columns) },
    { address: k.address(x), rowBytes: bytes(rowStep(x)) },
  ]);
  const end = resultOf(k, phase, step, rows, width, own);
  const matrix: PackedMatrix = matrixOf(k, phase, step, depth);
  const unpacker = new ColumnUnpacker(k, phase, matrix);
  const [count, depthOf] = [k.size(columns)(phase), k.size(depth)(phase)];
  const place = rows.places[1]!;
  phase.push(
    choices.eachUnit(phase, count, width, (unit, expert) => [
      ...unpacker.unpack({ ...unit, column: i32.add(i32.mul(expert, count), unit.column) }, width, panel),
      ...eachTile(phase, unit, (at) => {
        const { statements, within } = rows.enter(at);
        return [
          ...statements,
          ...tile.multiply(at.rows, {
            x: place.at,
            rowBytes: place.step,
            panel,
            panelStep: i32.const(4 * width),
            depth: depthOf,
          }),
          ...end.finish(tile, within, unit),
        ];
      }),
    ]),
  );
  return k.finish(nameOf(step), "out = x wᵀ of an unpacked weight, with the matrix that each row chose.");
}
