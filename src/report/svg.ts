import { drawFigure } from "./draw.ts";
import type { Figure, Size } from "./figure.ts";
import { withOwnColors } from "./theme.ts";

/** Figures as one SVG that stands alone, so many in a row. */
export function pictureOfFigures(list: readonly Figure[], columns: number, size: Size): string {
  const rows = Math.ceil(list.length / columns);
  const [width, height] = [columns * size.width, rows * size.height];
  const placed = list.map((figure, index) => {
    const [x, y] = [(index % columns) * size.width, Math.floor(index / columns) * size.height];
    return `<g transform="translate(${x},${y})">${drawFigure(figure, size)}</g>`;
  });
  const { svg, style } = withOwnColors(placed.join("\n"));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<style>${style}</style>${svg}</svg>\n`
  );
}
