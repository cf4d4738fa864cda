import { quote } from "../../checkpoint/problem.ts";
import { geometricRates, type Axis } from "../../study/grid.ts";
import { parseNumber, parseSettings } from "../arguments.ts";
import { orStop, stop } from "../stop.ts";
import { whole } from "../train/numbers.ts";

/** The axes that `--set` gives, in their order; one value alone is an axis too, to which more can be added. */
export function axesOf(settings: readonly string[] | undefined): readonly Axis[] {
  return Object.entries(orStop(parseSettings(settings ?? []))).map(([name, list]) => {
    const values = outsideBrackets(list);
    const twice = values.find((value, index) => values.indexOf(value) < index);
    if (twice !== undefined) stop("E860", `--set ${name} gives ${quote(twice)} twice`);
    if (values.length > 1 && values.includes(""))
      stop(
        "E860",
        `--set expects values between commas, found ${quote(`${name}=${list}`)}`,
        `for example --set ${name}=a,b`,
      );
    return { name, values };
  });
}

/** The parts between commas; a list in brackets is one value. */
function outsideBrackets(list: string): readonly string[] {
  const parts: string[] = [];
  let [part, depth] = ["", 0];
  for (const character of list) {
    if ("[(".includes(character)) depth++;
    if ("])".includes(character)) depth--;
    if (character === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += character;
  }
  return [...parts, part.trim()];
}

/** The most rates of one grid, beyond which a digit was mistyped. */
const MOST = 1000;

/** What `--lr` says: undefined without it, for the rate of the model. */
export function parseRates(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const parts = text.split(":");
  const rate = (part: string): number => {
    const value = orStop(parseNumber("--lr", part, 0, Infinity));
    return value > 0 && value < Infinity
      ? value
      : stop("E804", `--lr expects rates above 0, found ${quote(part)}`);
  };
  if (parts.length === 1) {
    const rates = text.split(",").map(rate);
    return new Set(rates).size === rates.length ? rates : stop("E860", `--lr gives a rate twice: ${text}`);
  }
  const [low, high, count] = parts as [string, string, string];
  if (parts.length !== 3)
    stop("E804", `--lr expects A:B:N or a,b,c, found ${quote(text)}`, "for example --lr 3e-4:3e-2:5");
  const n = orStop(parseNumber("--lr A:B:N, its N,", count, 1, MOST, true));
  if (rate(high) < rate(low)) stop("E804", `--lr A:B:N expects A below B, found ${quote(text)}`);
  const rates = geometricRates(rate(low), rate(high), n);
  if (new Set(rates).size < n)
    stop("E804", `--lr ${text} has rates that are alike to three digits`, "make N smaller");
  return rates;
}

/** 1 to what `--seeds` says. */
export const parseSeeds = (text: string | undefined): readonly number[] =>
  Array.from({ length: whole("--seeds", text, 1) ?? 1 }, (_, index) => index + 1);
