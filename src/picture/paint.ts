import { positionAt, spanText, type Span } from "../support/source.ts";
import type { Mark, Path, Point, Scene } from "./scene.ts";
import { style } from "./style.ts";

const RADIUS = 9;

/** A scene as an SVG text that stands alone: its own style, and of each mark the place in the text that it stands for. */
export function paint({ title, width, height, marks }: Scene): string {
  const layers = ["frame", "line", "lane", "wire", "gap", "bracket"] as const;
  const back = layers.flatMap((layer) => marks.filter((mark) => layerOf(mark) === layer));
  const front = marks.filter((mark) => !back.includes(mark));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="lmg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ` +
    `aria-label="${escapeText(title)}"><title>${escapeText(title)}</title><style>${style}</style>` +
    `<rect class="page" width="100%" height="100%"/>${[...back, ...front].map(paintMark).join("\n")}</svg>\n`
  );
}

const layerOf = (mark: Mark): string => (mark.kind === "path" ? mark.role : mark.kind);

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeText = (text: string): string => text.replace(/[&<>"]/g, (found) => entities[found]!);

const short = (value: number): string => String(Math.round(value * 100) / 100);

function paintMark(mark: Mark): string {
  switch (mark.kind) {
    case "path":
      return paintPath(mark);
    case "dot":
      return `<circle class="dot" cx="${short(mark.x)}" cy="${short(mark.y)}" r="3"/>`;
    case "label": {
      const looks = { name: "name", type: "type soft", faint: "small soft" }[mark.role];
      return textAt(mark, mark.text, mark.anchor === "middle" ? looks : `${looks} ${mark.anchor}`);
    }
    case "join":
      return group(
        `join ${mark.fate}`,
        mark,
        `<circle cx="${short(mark.x)}" cy="${short(mark.y)}" r="${mark.r}"/>` +
          `<path d="M${short(mark.x - 4)} ${short(mark.y)}h8M${short(mark.x)} ${short(mark.y - 4)}v8"/>`,
      );
    case "frame": {
      const { x, y, label, count, note } = mark;
      const behind = { ...mark, x: x + 4, y: y + 4 };
      const tab = `<tspan class="name">×${count}</tspan>${label === "" ? "" : ` ${escapeText(label)}`}${note === "" ? "" : `<tspan class="soft"> · ${escapeText(note)}</tspan>`}`;
      return group(
        "frame",
        mark,
        `${count > 1 ? rectangle(behind, 12) : ""}${rectangle(mark, 12)}<text class="tab start" x="${short(mark.tab)}" y="${short(y + 18)}">${tab}</text>`,
      );
    }
    case "pill":
      return group(`pill ${mark.role}`, mark, rectangle(mark, mark.h / 2) + middle(mark, mark.name, 14));
    case "gain":
      return group(`gain ${mark.role}`, mark, rectangle(mark, 3) + middle(mark, mark.text, 12));
    case "box": {
      const args = mark.args === "" ? "" : `<tspan class="soft">${escapeText(mark.args)}</tspan>`;
      const head = `<text x="${short(mark.x + mark.w / 2)}" y="${short(mark.y + (mark.note === "" ? 22 : 15))}"><tspan class="name">${escapeText(mark.name)}</tspan>${args}</text>`;
      return group(
        mark.hue,
        mark,
        rectangle(mark, 8) + head + (mark.note === "" ? "" : middle(mark, mark.note, 29, "small soft")),
      );
    }
  }
}

const middle = (
  { x, y, w }: { readonly x: number; readonly y: number; readonly w: number },
  text: string,
  down: number,
  looks = "",
): string => textAt({ x: x + w / 2, y: y + down }, text, looks);

const textAt = ({ x, y }: Point, text: string, looks: string): string =>
  `<text${looks === "" ? "" : ` class="${looks}"`} x="${short(x)}" y="${short(y)}">${escapeText(text)}</text>`;

const rectangle = (
  { x, y, w, h }: { readonly x: number; readonly y: number; readonly w: number; readonly h: number },
  radius: number,
): string =>
  `<rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}" rx="${radius}"/>`;

/** A mark that can be pointed at, and with the keyboard come to; it says which piece of the text it stands for. */
function group(
  looks: string,
  { span, hover }: { readonly span: Span | undefined; readonly hover: string },
  inner: string,
): string {
  const place = span === undefined ? "" : ` ${placeOf(span)}`;
  return `<g class="${looks}"${place}><title>${escapeText(hover)}</title>${inner}</g>`;
}

function placeOf(span: Span): string {
  const { line } = positionAt(span.source, span.start);
  const text = spanText(span).replaceAll(/\s+/g, " ");
  const about = `line ${line}: ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`;
  return (
    `tabindex="0" role="button" data-file="${escapeText(span.source.name)}" data-line="${line}" data-from="${span.start}" ` +
    `data-to="${span.end}" aria-label="${escapeText(about)}"`
  );
}

function paintPath({ role, points, arrow, hover }: Path): string {
  const last = points.at(-1)!;
  const drawn = `<path class="${role}" d="${rounded(points)}"${hover === undefined ? "/>" : `><title>${escapeText(hover)}</title></path>`}`;
  if (arrow !== true) return drawn;
  const before = points.at(-2)!;
  const head =
    before.y === last.y
      ? `M${short(last.x - 6)} ${short(last.y - 3.5)}L${short(last.x)} ${short(last.y)}L${short(last.x - 6)} ${short(last.y + 3.5)}Z`
      : `M${short(last.x - 3.5)} ${short(last.y - 6)}L${short(last.x)} ${short(last.y)}L${short(last.x + 3.5)} ${short(last.y - 6)}Z`;
  return `${drawn}<path class="head" d="${head}"/>`;
}

/** Straight pieces whose corners are round. */
function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const pieces = rest.map((point, at) => {
    const next = rest[at + 1];
    if (next === undefined) return `L${short(point.x)} ${short(point.y)}`;
    const before = at === 0 ? first! : rest[at - 1]!;
    const [a, b] = [toward(point, before), toward(point, next)];
    return `L${short(a.x)} ${short(a.y)}Q${short(point.x)} ${short(point.y)} ${short(b.x)} ${short(b.y)}`;
  });
  return `M${short(first!.x)} ${short(first!.y)}${pieces.join("")}`;
}

/** The point on the way from a corner at which its round begins. */
function toward(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y);
  const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return { x: corner.x + (other.x - corner.x) * part, y: corner.y + (other.y - corner.y) * part };
}
