/** Memory as the system counts it. */

import type { Device } from "../engine/runtime/mod.ts";

/** What the process, or on CUDA the card, has in use; undefined where nobody tells. */
export async function memoryInUse(device: Device, what: string): Promise<string | undefined> {
  if (device.kind === "cpu") {
    const { rss } = Deno.memoryUsage();
    return `Resident memory of the process with ${what} loaded: ${(rss / 1e6).toFixed(0)} MB`;
  }
  if (device.kind !== "cuda") return undefined;
  try {
    const { stdout } = await new Deno.Command("nvidia-smi", {
      args: ["--query-gpu=index,name,memory.used", "--format=csv,noheader"],
    }).output();
    return `nvidia-smi with ${what} loaded: ${new TextDecoder().decode(stdout).trim()}`;
  } catch {
    return undefined;
  }
}
