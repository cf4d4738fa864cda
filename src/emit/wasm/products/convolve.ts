import type { View } from "../../../kernels/view.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { eachTile, eachUnit } from "./nest.ts";
import { isPartial } from "./panels.ts";
import { PatchPacker } from "./patches.ts";
import { Place, TILE_BYTES } from "./place.ts";
import { Planes, roomBytes, type Pair, type Placing } from "./planes.ts";
import { Tile, type TileAt } from "./tile.ts";

/** A correlation of pictures with windows, for each group of planes. */
export interface Correlation {
  /** [B, groups · inputs, height, width], dense. */
  readonly from: View;
  /** How the planes of a picture and group are placed before windows are laid over them. */
  readonly placing: Placing;
  readonly groups: number;
  readonly window: Pair<Dim>;
  /** From one window to the next, in rows and columns. */
  readonly stride: Pair<number>;
  /** [groups · rows, inputs, window], dense: where it lies. */
  readonly weight: I32;
  /** [groups · rows], added to the planes of the result: where it lies. */
  readonly bias: I32 | undefined;
  /** [B, groups · rows, height, width], dense. */
  readonly out: View;
}

/** Writes out = Σ weight · patch + bias: a product of which the patches are the columns, packed as many at a time as a tile has. */
export function correlate(k: KernelWriter, phase: Phase, given: Correlation): void {
  const { placing, groups, window, weight, bias, out } = given;
  const [batch, planes, ...plane] = out.type.shape as readonly [Dim, Dim, Dim, Dim];
  const size = (of: Dim): I32 => k.size(of)(phase);
  const [pixels, depth] = [productOfDims(plane), productOfDims([placing.planes, ...window])];
  const tile = new Tile(phase, k.machine);
  const { width } = tile;
  const panelBytes = multiplyDims(dim(4 * width), depth);
  const own = k.own([dim(TILE_BYTES), panelBytes, roomBytes(placing)].reduce(addDims))(phase);
  const panel = phase.still(i32.add(own, i32.const(TILE_BYTES)));
  const sizes = {
    batch: size(multiplyDims(batch, dim(groups))),
    rows: phase.still(i32.div_u(size(planes), i32.const(groups))),
    columns: size(pixels),
    width,
  };
  const patches = patchesOf(k, phase, given, {
    panel,
    room: phase.still(i32.add(panel, size(panelBytes))),
    columns: width,
  });
  const [depthOf, rowBytes] = [size(depth), size(multiplyDims(dim(4), depth))];
  const outRow = size(multiplyDims(dim(4), pixels));
  const outAt = k.address(out)(phase);
  const [group, address] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  const result = new Place(phase, {
    address: address.get,
    rowBytes: outRow,
    width,
    aside: isPartial(pixels, width) ? own : undefined,
  });
  phase.push(
    patches.begin,
    eachUnit(phase, sizes, (unit) => [
      ...patches.pack(unit.item, unit.column),
      group.set(i32.mul(i32.rem_u(unit.item, i32.const(groups)), sizes.rows)),
      address.set(i32.add(outAt, i32.mul(i32.mul(unit.item, sizes.rows), outRow))),
      ...eachTile(phase, unit, (at) => {
        const row = i32.add(group.get, at.row);
        const x = i32.add(weight, i32.mul(row, rowBytes));
        return [
          ...tile.multiply(at.rows, { x, rowBytes, panel, panelStep: i32.const(4 * width), depth: depthOf }),
          ...result.write(at),
          ...store(tile, result, at, bias && i32.add(bias, i32.shl(row, i32.const(2)))),
          ...result.written(at),
        ];
      }),
    ]),
  );
}

/** Packs the patches of some pixels of the result; the planes are placed when those of another picture or group come. */
function patchesOf(
  k: KernelWriter,
  phase: Phase,
  { from, placing, window, stride, out }: Correlation,
  { panel, room, columns }: { readonly panel: I32; readonly room: I32; readonly columns: number },
) {
  const size = (of: Dim): I32 => k.size(of)(phase);
  const source = new Planes(k, phase, placing, room);
  const packer = new PatchPacker(phase, columns);
  const [placed, read] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  const [fromAt, width] = [k.address(from)(phase), size(out.type.shape[3]!)];
  const fromBytes = size(productOfDims([dim(4), placing.planes, ...placing.size]));
  const last = phase.still(i32.sub(size(productOfDims(out.type.shape.slice(2))), i32.const(1)));
  const axes = [
    { size: size(placing.planes), step: source.planeBytes },
    { size: size(window[0]), step: source.rowBytes },
    { size: size(window[1]), step: i32.const(4) },
  ];
  const startOf = (pixel: I32): I32 => {
    const [y, x] = [i32.div_u(pixel, width), i32.rem_u(pixel, width)];
    const [down, right] = [i32.mul(source.rowBytes, i32.const(stride[0])), i32.const(4 * stride[1])];
    return i32.add(source.at(read.get), i32.add(i32.mul(y, down), i32.mul(x, right)));
  };
  // In place of pixels beyond the last one that one is read.
  const held = (pixel: I32): I32 => lesser(pixel, last);
  return {
    begin: placed.set(i32.const(-1)),
    pack: (item: I32, first: I32): Statement[] => [
      when(i32.ne(placed.get, item), [
        placed.set(item),
        read.set(i32.add(fromAt, i32.mul(item, fromBytes))),
        ...source.place(read.get),
      ]),
      packer.pack((column) => startOf(held(i32.add(first, column))), axes, panel),
    ],
  };
}

const store = (tile: Tile, out: Place, { rows }: TileAt, bias: I32 | undefined): Statement[] =>
  tile.sums.slice(0, rows).flatMap((sums, row) =>
    sums.map((sum, j) => {
      const value = bias === undefined ? sum.get : f32x4.add(sum.get, v128.load32_splat(bias, 4 * row));
      return out.store(row, i32.const(0), 16 * j, value);
    }),
  );
