/** The element type that a stage's networks compute in. */

import { z } from "zod";
import type { Precision } from "../engine/networks/mod.ts";
import type { Device } from "../engine/runtime/mod.ts";
import { UserError } from "../pipeline/errors.ts";

/** The option `precision` of a stage that computes. */
export const precisionOption = z.enum(["auto", "float32", "float16"]).default("auto").describe(
  "Element type of the network's products: float16 takes half the memory and keeps sums in float32; " +
    "auto is float16 where the device computes in it, float32 on the CPU",
);

/** What the option may be. */
export type WantedPrecision = z.output<typeof precisionOption>;

/**
 * The type to build a network's graphs in. The CPU takes float16 where it is asked for by name: ONNX Runtime then casts
 * around its operators. A `UserError` where the device has no 16-bit floats and they were asked for.
 */
export async function choosePrecision(
  device: Device,
  wanted: WantedPrecision = "auto",
): Promise<Precision> {
  if (wanted === "float32") return wanted;
  if (wanted === "float16" && device.kind === "cpu") return wanted;
  // Loaded on use: whoever only wants to know the options does not pay for the runtime.
  const { float16Works } = await import("../engine/load/mod.ts");
  if (await float16Works(device)) return "float16";
  if (wanted === "auto") return "float32";
  throw new UserError(
    `The device ${device.name} has no 16-bit floats, which precision: float16 asks for: choose precision: float32.`,
  );
}

/** Whether the graphics adapter has 16-bit floats; undefined until somebody asks. */
let adapterHasFloat16: Promise<boolean> | undefined;

/**
 * What `choosePrecision` will say of a device that is not opened yet, by its name. A graphics adapter is opened to see,
 * once and for a tenth of a second; where there is none, it is taken for one that has 16-bit floats, as most have.
 *
 * @param open how the adapter is opened; given by tests
 */
export async function plannedPrecision(
  device: string,
  wanted: WantedPrecision,
  open?: () => Promise<Device>,
): Promise<Precision> {
  if (wanted !== "auto") return wanted;
  if (device !== "webgpu") return device === "cpu" ? "float32" : "float16";
  const asked = open ? askAdapter(open) : adapterHasFloat16 ??= askAdapter();
  return await asked ? "float16" : "float32";
}

async function askAdapter(open?: () => Promise<Device>): Promise<boolean> {
  const [{ float16Works }, { openDevice }] = await Promise.all([
    import("../engine/load/mod.ts"),
    import("../engine/runtime/mod.ts"),
  ]);
  let adapter: Device;
  try {
    adapter = await (open ?? (() => openDevice("webgpu", { threads: 1 })))();
  } catch {
    // Whoever computes there says what is missing.
    return true;
  }
  await using _ = adapter;
  return await float16Works(adapter);
}

/** What is exported: float32 unless float16 is asked for, since the device it will run on is not known. */
export function exportedPrecision(wanted: WantedPrecision): Precision {
  return wanted === "float16" ? "float16" : "float32";
}
