/** What the encoder computes in, and what its weights are kept in. */

import type { Precision, Umt5Config } from "../../engine/networks/mod.ts";
import type { Device } from "../../engine/runtime/mod.ts";
import { choosePrecision, exportedPrecision, plannedPrecision } from "../_precision.ts";
import type { EncodeTextOptions } from "./options.ts";

/** What the encoder computes in, and what its weights are kept in. */
export interface TextForm {
  /** Element type of the products. */
  readonly dtype: Precision;
  /** Bits of a weight of the Linear layers, where that is not what `dtype` takes. */
  readonly bits?: 4 | 8 | undefined;
}

type Wanted = EncodeTextOptions["precision"];

const bitsOf = { int8: 8, int4: 4 } as const;

/** Few bits say nothing of what is computed in: that is the device's choice. */
function split(wanted: Wanted) {
  return wanted === "int8" || wanted === "int4"
    ? { precision: "auto", bits: bitsOf[wanted] } as const
    : { precision: wanted, bits: undefined };
}

/** The form on a device. A `UserError` where it is asked for what the device has not. */
export async function chooseForm(device: Device, wanted: Wanted): Promise<TextForm> {
  const { precision, bits } = split(wanted);
  return { dtype: await choosePrecision(device, precision), bits };
}

/** What `chooseForm` will say of a device that is not opened yet, by its name. */
export async function plannedForm(device: string, wanted: Wanted): Promise<TextForm> {
  const { precision, bits } = split(wanted);
  return { dtype: await plannedPrecision(device, precision), bits };
}

/** What is exported: the device it will run on is not known. */
export function exportedForm(wanted: Wanted): TextForm {
  const { precision, bits } = split(wanted);
  return { dtype: exportedPrecision(precision), bits };
}

/** Weights from which on an encoder does not stay loaded between prompts, unless it is told to. */
const LARGE = 500_000_000;

/** Whether an encoder has so many weights that loading it is better done without copies, and not for long. */
export function isLarge({ vocab, dim, dimAttn, dimFfn, numLayers }: Umt5Config): boolean {
  return vocab * dim + numLayers * dim * (4 * dimAttn + 3 * dimFfn) > LARGE;
}

/** Whether it stays loaded between prompts. */
export function staysLoaded({ keep }: EncodeTextOptions, sizes: Umt5Config): boolean {
  return keep ?? !isLarge(sizes);
}
