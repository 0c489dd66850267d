/** Whether copies between host and card work, found out by trying: they are no part of the provider. */

import type { Core } from "./_core.ts";
import { DeviceUnavailableError, OrtError } from "./errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * Writes to the device's memory and reads it again. A provider may run graphs and have no copies: ONNX Runtime takes
 * them from the library that is registered with its environment. Rejects with a DeviceUnavailableError then.
 */
export async function tryCopies(core: Core): Promise<void> {
  const given = Float32Array.of(1.5, -2.25);
  using tensor = Tensor.create(core, "float32", [given.length], "device");
  let got: Float32Array;
  try {
    await tensor.write(given);
    got = await tensor.read();
  } catch (cause) {
    if (!(cause instanceof OrtError)) throw cause;
    throw broken(core.name, cause.detail.trim(), cause);
  }
  if (got.every((value, i) => value === given[i])) return;
  throw broken(core.name, `wrote ${given.join(", ")} and read ${got.join(", ")}`);
}

function broken(device: string, problem: string, cause?: OrtError): DeviceUnavailableError {
  return new DeviceUnavailableError(
    device,
    `ONNX Runtime cannot copy to the card and back: ${problem}`,
    "Use webgpu, or cpu",
    { cause },
  );
}
