import { dim, multiplyDims, productOfDims, sameDim, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

export type Pair<T> = readonly [T, T];

/** Pictures, and how they lie in larger ones that are 0 elsewhere. */
export interface Placing {
  /** Of the planes of one picture and group. */
  readonly planes: Dim;
  readonly size: Pair<Dim>;
  /** Rows and columns of what they are placed in. */
  readonly room: Pair<Dim>;
  /** Where element (0, 0) goes, and how far the next ones are from it; what falls outside is left out. */
  readonly first: Pair<I32>;
  readonly apart: Pair<number>;
}

const isWhole = ({ size, room, first, apart }: Placing): boolean =>
  ([0, 1] as const).every(
    (axis) => first[axis].known === 0 && apart[axis] === 1 && sameDim(size[axis], room[axis]),
  );

/** Bytes of the room. */
export const roomBytes = (placing: Placing): Dim =>
  isWhole(placing) ? dim(0) : productOfDims([dim(4), placing.planes, ...placing.room]);

/** The planes of one picture and group, with room around. */
export class Planes {
  /** From one row to the next, and from one plane to the next, in bytes. */
  readonly rowBytes: I32;
  readonly planeBytes: I32;
  readonly #phase: Phase;
  readonly #placing: Placing;
  readonly #room: I32;
  readonly #sizes: {
    readonly planes: I32;
    readonly height: I32;
    readonly width: I32;
    readonly roomHeight: I32;
    readonly roomWidth: I32;
  };

  /** `room`: memory for them. */
  constructor(k: KernelWriter, phase: Phase, placing: Placing, room: I32) {
    const size = (of: Dim): I32 => k.size(of)(phase);
    this.#phase = phase;
    this.#placing = placing;
    this.#room = room;
    this.#sizes = {
      planes: size(placing.planes),
      height: size(placing.size[0]),
      width: size(placing.size[1]),
      roomHeight: size(placing.room[0]),
      roomWidth: size(placing.room[1]),
    };
    this.rowBytes = size(multiplyDims(dim(4), placing.room[1]));
    this.planeBytes = size(productOfDims([dim(4), ...placing.room]));
  }

  /** Where the planes begin that were placed last, those at `from`. */
  at(from: I32): I32 {
    return isWhole(this.#placing) ? from : this.#room;
  }

  /** Places the planes that lie at `from`. */
  place(from: I32): Statement[] {
    if (isWhole(this.#placing)) return [];
    const { planes, height, width, roomHeight, roomWidth } = this.#sizes;
    const { first, apart } = this.#placing;
    const [read, row] = this.#phase.locals("i32", 2);
    const inside = (at: I32, end: I32): I32 => i32.lt_u(at, end);
    const placed = (index: I32, axis: 0 | 1): I32 =>
      i32.add(i32.mul(index, i32.const(apart[axis])), first[axis]);
    const zero = i32.const(0);
    return [
      this.#phase.range(zero, i32.mul(planes, this.planeBytes), 4, (at) => [
        i32.store(i32.add(this.#room, at), zero),
      ]),
      read!.set(from),
      this.#phase.range(zero, planes, 1, (plane) => [
        this.#phase.range(zero, height, 1, (y) => [
          row!.set(
            i32.add(
              this.#room,
              i32.add(i32.mul(plane, this.planeBytes), i32.mul(placed(y, 0), this.rowBytes)),
            ),
          ),
          this.#phase.range(zero, width, 1, (x) => [
            when(i32.and(inside(placed(y, 0), roomHeight), inside(placed(x, 1), roomWidth)), [
              i32.store(i32.add(row!.get, i32.shl(placed(x, 1), i32.const(2))), i32.load(read!.get)),
            ]),
            read!.set(i32.add(read!.get, i32.const(4))),
          ]),
        ]),
      ]),
    ];
  }
}
