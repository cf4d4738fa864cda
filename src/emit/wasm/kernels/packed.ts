import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { ROW_UNIT } from "../../../tensor/quantized.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { Kernel, KernelWriter, Phase, WasmKernel } from "../kernel.ts";
import { refuse } from "../kernel.ts";
import { Dots } from "../packed/dots.ts";
import { GROUP, GROUP_VECTORS, type PackedMatrix } from "../packed/layout.ts";
import { productsOf, type Products } from "../packed/products.ts";
import { BESIDE_BYTES, codeBytes, Rounder } from "../packed/rounding.ts";
import { ColumnUnpacker, RowUnpacker } from "../packed/unpack.ts";
import { blockRoom, multiplyBlocks } from "../products/blocks.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachRows, eachTileOf, eachUnit } from "../products/nest.ts";
import { Tile, tilesFor } from "../products/tile.ts";
import { bytes, formOf, matrixOf, packedName, roundRows, rowsInStep, units } from "./packed-rows.ts";
import { packed_routed_linear } from "./packed-routed.ts";

type Linear = StepOf<"packed_linear">;

/** x Wᵀ of a packed weight: rounded rows by dots of whole numbers, rows as they are by tiles of an unpacked weight. */
const packed_linear: WasmKernel<"packed_linear"> = (step, k) =>
  step.attrs.activations === "int8" ? dots(step, k) : tiles(step, k);

const nameOf = ({ attrs }: Linear): string =>
  [packedName(attrs), ...(attrs.epilogue.steps.length === 0 ? [] : [expressionName(attrs.epilogue)])].join(
    "_",
  );

/** All threads round the rows, then each takes columns. */
function dots(step: Linear, k: KernelWriter): Kernel {
  const { x, extras } = step.operands;
  const out = onlyView(step.results);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const rows = productOfDims(out.type.shape.slice(0, -1));
  const blocks = multiplyDims(rows, units(depth));
  const products = productsOf(k, formOf(step));
  const each = { codes: codeBytes(products.rounded), beside: BESIDE_BYTES };
  const shared = k.shared(multiplyDims(blocks, dim(each.codes + each.beside)));
  const besideAt = (phase: Phase): I32 =>
    phase.still(i32.add(shared(phase), i32.mul(k.size(blocks)(phase), i32.const(each.codes))));
  roundRows(k, k.phase(), x, { codes: shared, beside: besideAt, products });

  const phase = k.phase();
  const side = sideBySide(k, rows, columns);
  const inStep = constantDim(rows) === 1 ? 1 : rowsInStep(k, products);
  const aside = asideBytes(step.attrs.epilogue, extras.length);
  const own = k.own(dim(aside + (side === 1 ? 0 : side * GROUP_BYTES)))(phase);
  const rounded = { codes: shared(phase), beside: besideAt(phase), each };
  const parts: Parts = {
    phase,
    tile: new Tile(phase, k.machine, { rows: inStep, vectors: GROUP_VECTORS }),
    matrix: matrixOf(k, phase, step, depth),
    products,
    end: new Epilogue(k, phase, step.attrs.epilogue, extras, {
      address: k.address(out)(phase),
      rowBytes: k.size(bytes(columns))(phase),
      width: GROUP,
      own,
      columns,
      hasLast: false,
    }),
    rounded,
  };
  const sizes = { rows: k.size(rows)(phase), columns: k.size(columns)(phase) };
  phase.push(
    side === 1
      ? groupByGroup(k, parts, sizes)
      : groupsApart(k, parts, sizes.columns, side, phase.still(i32.add(own, i32.const(aside)))),
  );
  return k.finish(
    nameOf(step),
    "out = x wᵀ by whole numbers of 8 bits, each element finished before it is stored.",
  );
}

/** What multiplies rounded rows by a packed matrix. */
interface Parts {
  readonly phase: Phase;
  readonly tile: Tile;
  readonly matrix: PackedMatrix;
  readonly products: Products;
  readonly end: Epilogue;
  /** Where rounded rows lie, and the bytes of their units. */
  readonly rounded: {
    readonly codes: I32;
    readonly beside: I32;
    readonly each: { readonly codes: number; readonly beside: number };
  };
}

/** A thread's groups one after the other, each with all rows. */
function groupByGroup(
  k: KernelWriter,
  { phase, tile, matrix, products, end, rounded: { codes, beside, each } }: Parts,
  sizes: { readonly rows: I32; readonly columns: I32 },
): Statement {
  const product = new Dots(k, phase, matrix, products, tile.rows);
  const rowOf = (row: I32, bytes: number): I32 => i32.mul(row, i32.mul(matrix.units, i32.const(bytes)));
  return eachUnit(phase, { batch: i32.const(1), ...sizes, width: GROUP }, (unit) => [
    ...eachRows(phase, unit, tile.rows, (at) => [
      ...product.multiply(
        unit.column,
        { at: i32.add(codes, rowOf(at.row, each.codes)) },
        { at: i32.add(beside, rowOf(at.row, each.beside)) },
        tile.sums.slice(0, at.rows),
      ),
      ...end.finish(tile, at, unit),
    ]),
    ...end.finishUnit(unit),
  ]);
}

/** Bytes of the sums of a group. */
const GROUP_BYTES = 4 * GROUP;
/** Eight are no faster, two have some nine tenths of it. */
const STREAMS = 4;

/**
 * Places of a weight from which a lone row reads it in step: memory gives one stream some two thirds of what it gives four
 * (`test/bench/packed.ts`). One where the groups are no multiple, or the machine does not unroll.
 */
function sideBySide(k: KernelWriter, rows: Dim, columns: Dim): number {
  const groups = constantDim(columns)! / GROUP;
  return constantDim(rows) === 1 && k.machine.unroll > 1 && groups % STREAMS === 0 ? STREAMS : 1;
}

/** A lone row times groups that are as far apart as they can be, so many at a time. */
function groupsApart(
  k: KernelWriter,
  { phase, tile, matrix, products, end, rounded }: Parts,
  columns: I32,
  side: number,
  sumsAt: I32,
): Statement {
  const product = new Dots(k, phase, matrix, products, 1);
  const sums = Array.from({ length: side }, () => phase.locals("v128", GROUP_VECTORS));
  const apart = columns.known! / (GROUP * side);
  const { from, to } = phase.share(i32.const(apart));
  const column = phase.local("i32");
  const one = { from: i32.const(0), to: i32.const(1) };
  return phase.range(from, to, 1, (group) => [
    column.set(i32.mul(group, i32.const(GROUP))),
    ...product.multiplyApart(column.get, { at: rounded.codes }, { at: rounded.beside }, apart, sums),
    ...sums.flatMap((vectors, index) =>
      vectors.map((sum, vector) => v128.store(sumsAt, sum.get, GROUP_BYTES * index + 16 * vector)),
    ),
    phase.range(i32.const(0), i32.const(side * GROUP_BYTES), GROUP_BYTES, (at) => {
      const unit = {
        item: i32.const(0),
        panel: group,
        column: column.get,
        left: i32.sub(columns, column.get),
        rows: one,
      };
      return [
        ...tile.sums[0]!.map((sum, vector) => sum.set(v128.load(i32.add(sumsAt, at), 16 * vector))),
        ...end.finish(tile, { row: i32.const(0), rows: 1, column: unit.column, left: unit.left }, unit),
        ...end.finishUnit(unit),
        column.set(i32.add(column.get, i32.const(GROUP * apart))),
      ];
    }),
  ]);
}

/** A thread unpacks the columns of a tile, then multiplies its rows by them. */
function tiles(step: Linear, k: KernelWriter): Kernel {
  const { x, extras } = step.operands;
  const out = onlyView(step.results);
  const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
  const phase = k.phase();
  const tiles = tilesFor(phase, k.machine, columns);
  const [{ width }, last] = tiles;
  const aside = asideBytes(step.attrs.epilogue, extras.length);
  const sums = tiles.reduce((most, tile) => Math.max(most, tile === undefined ? 0 : blockRoom(tile)), 0);
  const own = k.own(addDims(dim(aside + sums), multiplyDims(dim(4 * width), depth)))(phase);
  const room = phase.still(i32.add(own, i32.const(aside)));
  const panel = phase.still(i32.add(own, i32.const(aside + sums)));
  const [xAt, xRow] = [k.address(x)(phase), k.size(bytes(rowStep(x)))(phase)];
  const depthOf = k.size(depth)(phase);
  const end = new Epilogue(k, phase, step.attrs.epilogue, extras, {
    address: k.address(out)(phase),
    rowBytes: k.size(bytes(columns))(phase),
    width,
    own,
    columns,
    hasLast: last !== undefined,
  });
  const unpacker = new ColumnUnpacker(k, phase, matrixOf(k, phase, step, depth));
  const rows = k.size(productOfDims(out.type.shape.slice(0, -1)))(phase);
  const sizes = { batch: i32.const(1), rows, columns: k.size(columns)(phase), width };
  const shared = { rowBytes: xRow, panel, panelStep: i32.const(4 * width), depth: depthOf };
  phase.push(
    eachUnit(phase, sizes, (unit) => [
      ...unpacker.unpack(unit, width, panel),
      ...eachTileOf(phase, unit, tiles, (each, at) => [
        ...multiplyBlocks(phase, each, at.rows, { ...shared, x: i32.add(xAt, i32.mul(at.row, xRow)) }, room),
        ...end.finish(each, at, unit),
      ]),
      ...end.finishUnit(unit),
    ]),
  );
  return k.finish(
    nameOf(step),
    "out = x wᵀ of an unpacked weight, each element finished before it is stored.",
  );
}

const packed_embedding: WasmKernel<"packed_embedding"> = ({ operands, attrs, results }, k) => {
  const out = onlyView(results);
  const width = out.type.shape.at(-1)!;
  const phase = k.phase();
  const unpacker = new RowUnpacker(k, phase, matrixOf(k, phase, { operands, attrs }, width));
  const [ids, to, rowBytes] = [
    k.address(operands.ids)(phase),
    k.address(out)(phase),
    k.size(bytes(width))(phase),
  ];
  const entries = k.size(dim(attrs.entries))(phase);
  const id = phase.local("i32");
  const { from, to: end } = phase.share(k.size(elementsOf(operands.ids.type))(phase));
  phase.push(
    phase.range(from, end, 1, (row) => [
      id.set(i32.load(i32.add(ids, i32.shl(row, i32.const(2))))),
      refuse(phase, "id", id.get, entries),
      ...unpacker.unpack(id.get, i32.add(to, i32.mul(row, rowBytes))),
    ]),
  );
  return k.finish(`embedding_${attrs.bits}bit`, "Rows of a packed table by id.");
};

const dequantize: WasmKernel<"dequantize"> = ({ operands, attrs, results }, k) => {
  const out = onlyView(results);
  const [rows, width] = out.type.shape as [Dim, Dim];
  const phase = k.phase();
  const unpacker = new RowUnpacker(k, phase, matrixOf(k, phase, { operands, attrs }, width));
  const [to, rowBytes] = [k.address(out)(phase), k.size(bytes(width))(phase)];
  const { from, to: end } = phase.share(k.size(rows)(phase));
  phase.push(phase.range(from, end, 1, (row) => unpacker.unpack(row, i32.add(to, i32.mul(row, rowBytes)))));
  return k.finish(`dequantize_${attrs.bits}bit`, "scale · code + minimum of each element.");
};

const round_blocks: WasmKernel<"round_blocks"> = ({ operands, results }, k) => {
  const phase = k.phase();
  const rounder = new Rounder(phase, k.constants);
  const out = onlyView(results);
  const [x, to] = [k.address(operands.x)(phase), k.address(out)(phase)];
  const { from, to: end } = phase.share(k.size(units(elementsOf(out.type)))(phase));
  const block = (unit: I32): I32 => i32.mul(unit, i32.const(4 * ROW_UNIT));
  phase.push(
    phase.range(from, end, 1, (unit) => [
      ...rounder.round(i32.add(x, block(unit))),
      ...rounder.storeFloats(i32.add(to, block(unit))),
    ]),
  );
  return k.finish("round_blocks", "Blocks of 32 as whole numbers times a scale.");
};

export const packedKernels = {
  dequantize,
  packed_embedding,
  packed_linear,
  packed_routed_linear,
  round_blocks,
};
