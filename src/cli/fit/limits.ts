import { readJsonFile } from "../../checkpoint/files/json.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { quotePath, showJson } from "../../checkpoint/problem.ts";
import { defaultLimits, type DeviceLimits } from "../../emit/wgsl/fit.ts";
import { dawnAdapter } from "../../run/dawn.ts";
import { describeAdapter } from "../../run/device.ts";
import { nearest } from "../../support/text.ts";
import { orStop, stop } from "../stop.ts";

export interface Limits {
  readonly limits: DeviceLimits;
  /** Whose they are, to stand after `fits`: `every WebGPU device`. */
  readonly where: string;
}

const names = Object.keys(defaultLimits) as (keyof DeviceLimits)[];

/** The limits that `--limits` names: `default`, `adapter`, or a JSON file that has some of them by their WebGPU names. */
export async function readLimits(choice: string, dawn: readonly string[]): Promise<Limits> {
  if (choice === "default") return { limits: defaultLimits, where: "every WebGPU device" };
  if (choice === "adapter") {
    const { adapter } = orStop(await dawnAdapter(dawn)());
    const limits = Object.fromEntries(names.map((name) => [name, adapter.limits[name]]));
    return { limits: limits as unknown as DeviceLimits, where: `the adapter ${describeAdapter(adapter)}` };
  }
  if (kindOfPath(choice) !== "file")
    stop("E834", `--limits expects default, adapter or a JSON file; there is no file ${quotePath(choice)}`);
  const given = orStop(readJsonFile(choice));
  for (const [name, value] of Object.entries(given)) checkLimit(choice, name, value);
  return { limits: { ...defaultLimits, ...given }, where: `the limits of ${choice}` };
}

function checkLimit(file: string, name: string, value: unknown): void {
  if (!names.some((known) => known === name)) {
    const near = nearest(name, names);
    const help = near === undefined ? `they are ${names.join(", ")}` : `did you mean ${near}?`;
    stop("E834", `${file}: no limit that a model can break is called ${quotePath(name)}`, help);
  }
  if (!(typeof value === "number" && Number.isInteger(value) && value > 0))
    stop("E834", `${file}: ${name} expects a whole number above 0, found ${showJson(value)}`);
}
