import { drawFigure } from "./draw.ts";
import type { Figure, Size } from "./figure.ts";
import { withOwnColors } from "./theme.ts";

/** Figures as one SVG that stands alone, so many in a row. */
export const pictureOfFigures = (list: readonly Figure[], columns: number, size: Size): string =>
  pictureOfDrawings(
    list.map((figure) => drawFigure(figure, size)),
    columns,
    size,
  );

/** The same of drawings of that size: `<svg>` elements that take their colours from the theme. */
export function pictureOfDrawings(list: readonly string[], columns: number, size: Size): string {
  const rows = Math.ceil(list.length / columns);
  const [width, height] = [columns * size.width, rows * size.height];
  const placed = list.map((drawing, index) => {
    const [x, y] = [(index % columns) * size.width, Math.floor(index / columns) * size.height];
    return `<g transform="translate(${x},${y})">${drawing}</g>`;
  });
  const { svg, style } = withOwnColors(placed.join("\n"));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<style>${style}</style>${svg}</svg>\n`
  );
}
