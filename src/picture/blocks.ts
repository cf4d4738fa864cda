import { largest } from "../support/lists.ts";

/** Something that takes room on both sides of a vertical line, and is drawn when its place is known. */
export interface Block {
  readonly left: number;
  readonly right: number;
  readonly height: number;
  /** Draws it with its line at x and its upper end at y. */
  readonly place: (x: number, y: number) => void;
}

/** Room between two things on a line. */
export const GAP = 18;

/** Things one below the other, on one line. */
export const column = (blocks: readonly Block[], gap = GAP): Block => ({
  left: largest(
    blocks.map(({ left }) => left),
    0,
  ),
  right: largest(
    blocks.map(({ right }) => right),
    0,
  ),
  height: blocks.reduce((sum, { height }) => sum + height, 0) + gap * Math.max(0, blocks.length - 1),
  place: (x, y) => {
    let at = y;
    for (const block of blocks) {
      block.place(x, at);
      at += block.height + gap;
    }
  },
});
