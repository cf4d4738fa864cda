import { isError } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";
import { showCount } from "../numbers.ts";
import type { Checked, Summary } from "./checked.ts";

/** What the models of a file are; nothing where there is an error. */
export function showChecked({ path, models, blocks, failed }: Checked): string {
  if (failed) return "";
  if (blocks !== undefined)
    return `${path}: ${plural(blocks, "block")} and no model; a block is checked where a model calls it\n`;
  return models.map((summary) => showSummary(path, summary)).join("");
}

function showSummary(path: string, { model, inputs, outputs, parameters, tensors, edges }: Summary): string {
  const flow = (values: readonly { name: string; type: string; optional?: boolean }[]): string =>
    values.map(({ name, type, optional }) => `${name}${optional === true ? "?" : ""}: ${type}`).join(", ");
  const sizes = `${showCount(parameters)} parameters in ${plural(tensors, "tensor")}, ${plural(edges, "residual edge")}`;
  return `${path}: ${model} is well-formed\n  ${flow(inputs)} -> ${flow(outputs)}\n  ${sizes}\n`;
}

/** `12 files, 13 models: 2 files with errors, 3 warnings`, the line under a check of several files. */
export function showTotal(all: readonly Checked[]): string {
  const failed = all.filter((checked) => checked.failed).length;
  const models = all.flatMap((checked) => checked.models).length;
  const warnings = all.flatMap(({ diagnostics }) => diagnostics.filter((one) => !isError(one))).length;
  const found = [
    failed === 0 ? "no errors" : `${plural(failed, "file")} with errors`,
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ];
  return `${plural(all.length, "file")}, ${plural(models, "well-formed model")}: ${found.join(", ")}\n`;
}
