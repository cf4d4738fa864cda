import { onlyView } from "../../../kernels/results.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { block, branch, branchIf, lesser, loop, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";
import { accumulate } from "../products/accumulate.ts";
import { eachTile, eachUnit } from "../products/nest.ts";
import { isPartial } from "../products/panels.ts";
import { PatchPacker } from "../products/patches.ts";
import { Place, TILE_BYTES } from "../products/place.ts";
import { Planes, roomBytes, type Pair } from "../products/planes.ts";
import { Tile } from "../products/tile.ts";
import { padded, perGroup } from "./convolution.ts";

type Four = readonly [Dim, Dim, Dim, Dim];

/** How many pixels are summed at least before they are added to what came before, in whole rows. */
const DEPTH = 512;

/** A product over the pixels, picture by picture: out = Σ grad · patchᵀ, the taps of the windows being the columns. */
export const conv2d_weight_grad: WasmKernel<"conv2d_weight_grad"> = (step, k) => {
  const { grad } = step.operands;
  const [out, { groups }] = [onlyView(step.results), step.attrs];
  const [batch, outputs, height, width] = grad.type.shape as Four;
  const phase = k.phase();
  const size = (of: Dim): I32 => k.size(of)(phase);
  const columns = productOfDims(out.type.shape.slice(1));
  const rows = perGroup(outputs, groups);
  const tile = new Tile(phase, k.machine);
  const taps = new Taps(k, phase, step, tile.width);
  const sizes = { batch: i32.const(groups), rows: size(rows), columns: size(columns), width: tile.width };
  const rowBytes = size(multiplyDims(dim(4), width));
  const planeBytes = size(productOfDims([dim(4), height, width]));
  const outRow = size(multiplyDims(dim(4), columns));
  const [gradAt, outAt] = [k.address(grad)(phase), k.address(out)(phase)];
  const [item, address] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  const result = new Place(phase, {
    address: address.get,
    rowBytes: outRow,
    width: tile.width,
    aside: isPartial(columns, tile.width) ? taps.aside : undefined,
  });
  phase.push(
    phase.range(i32.const(0), size(batch), 1, (picture) => [
      taps.begin,
      eachUnit(phase, sizes, (unit) => [
        item.set(i32.add(i32.mul(picture, sizes.batch), unit.item)),
        taps.place(item.get),
        address.set(i32.add(outAt, i32.mul(i32.mul(unit.item, sizes.rows), outRow))),
        taps.eachBlock(unit.column, (y, depth) => [
          ...eachTile(phase, unit, (at) => {
            const plane = i32.add(i32.mul(item.get, sizes.rows), at.row);
            const x = i32.add(gradAt, i32.add(i32.mul(plane, planeBytes), i32.mul(y, rowBytes)));
            return [
              ...tile.multiply(at.rows, {
                x,
                rowBytes: planeBytes,
                panel: taps.panel,
                panelStep: i32.const(4 * tile.width),
                depth,
              }),
              ...accumulate(tile, result, at, i32.eqz(i32.or(picture, y))),
            ];
          }),
        ]),
      ]),
    ]),
  );
  return k.finish("conv2d_weight_grad", "The gradient of a convolution's weight.");
};

/** The taps of windows as columns of panels: what each reads in all windows of some rows. */
class Taps {
  /** Memory for a tile, and where a panel is packed. */
  readonly aside: I32;
  readonly panel: I32;
  readonly #phase: Phase;
  readonly #size: (of: Dim) => I32;
  readonly #step: StepOf<"conv2d_weight_grad">;
  readonly #width: number;
  readonly #source: Planes;
  readonly #xAt: I32;
  readonly #placed: Local<"i32">;
  readonly #read: Local<"i32">;

  /** `width`: columns of a tile. */
  constructor(k: KernelWriter, phase: Phase, step: StepOf<"conv2d_weight_grad">, width: number) {
    const { operands, attrs, results } = step;
    const [, , ...picture] = operands.x.type.shape as Four;
    const placing = padded(onlyView(results).type.shape[1]!, picture, attrs.padding);
    const panelBytes = multiplyDims(dim(4 * width), addDims(dim(DEPTH), operands.grad.type.shape[3]!));
    this.#phase = phase;
    this.#step = step;
    this.#width = width;
    this.#size = (of) => k.size(of)(phase);
    this.aside = k.own([dim(TILE_BYTES), panelBytes, roomBytes(placing)].reduce(addDims))(phase);
    this.panel = phase.still(i32.add(this.aside, i32.const(TILE_BYTES)));
    const room = phase.still(i32.add(this.panel, this.#size(panelBytes)));
    this.#source = new Planes(k, phase, placing, room);
    this.#xAt = k.address(operands.x)(phase);
    [this.#placed, this.#read] = phase.locals("i32", 2) as readonly [Local<"i32">, Local<"i32">];
  }

  /** Before planes are placed. */
  get begin(): Statement {
    return this.#placed.set(i32.const(-1));
  }

  /** Places the planes of a picture and group, if they are not those that were placed last. */
  place(item: I32): Statement {
    const { shape } = this.#step.operands.x.type;
    const inputs = onlyView(this.#step.results).type.shape[1]!;
    const bytes = this.#size(productOfDims([dim(4), inputs, ...shape.slice(2)]));
    return when(i32.ne(this.#placed.get, item), [
      this.#placed.set(item),
      this.#read.set(i32.add(this.#xAt, i32.mul(item, bytes))),
      ...this.#source.place(this.#read.get),
    ]);
  }

  /** Packs the taps of a tile from `first` on for some rows of windows after the other: those from row y on, `depth` windows. */
  eachBlock(first: I32, body: (y: I32, depth: I32) => readonly Statement[]): Statement {
    const [, , height, width] = this.#step.operands.grad.type.shape.map(this.#size) as [I32, I32, I32, I32];
    const [down, right] = this.#step.attrs.stride as Pair<number>;
    const downBytes = i32.mul(this.#source.rowBytes, i32.const(down));
    const startOf = this.#starts();
    const [y, rows, depth] = this.#phase.locals("i32", 3) as readonly [
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
    ];
    const most = this.#phase.still(i32.add(i32.div_u(i32.const(DEPTH - 1), width), i32.const(1)));
    const axes = [
      { size: rows.get, step: downBytes },
      { size: width, step: i32.const(4 * right) },
    ];
    return block((exit) => [
      y.set(i32.const(0)),
      loop((again) => [
        rows.set(lesser(most, i32.sub(height, y.get))),
        branchIf(exit, i32.le_s(rows.get, i32.const(0))),
        depth.set(i32.mul(rows.get, width)),
        new PatchPacker(this.#phase, this.#width).pack(
          (column) => i32.add(startOf(i32.add(first, column)), i32.mul(y.get, downBytes)),
          axes,
          this.panel,
        ),
        ...body(y.get, depth.get),
        y.set(i32.add(y.get, rows.get)),
        branch(again),
      ]),
    ]);
  }

  /** Where a tap of the first window reads; in place of one that is not there the last one is taken. */
  #starts(): (tap: I32) => I32 {
    const [, inputs, ...window] = onlyView(this.#step.results).type.shape as Four;
    const last = i32.sub(this.#size(productOfDims([inputs, ...window])), i32.const(1));
    const [taps, width] = [this.#size(productOfDims(window)), this.#size(window[1])];
    const { planeBytes, rowBytes } = this.#source;
    return (tap) => {
      const held = lesser(tap, last);
      const [plane, place] = [i32.div_u(held, taps), i32.rem_u(held, taps)];
      const row = i32.mul(i32.div_u(place, width), rowBytes);
      const column = i32.shl(i32.rem_u(place, width), i32.const(2));
      const start = this.#source.at(this.#read.get);
      return i32.add(i32.add(start, i32.mul(plane, planeBytes)), i32.add(row, column));
    };
  }
}
