/** What the device is, as everyone who knows it calls it. */

import { adapterName, cudaDriver, type Device, inspectRuntime } from "../engine/runtime/mod.ts";

/** Facts that a figure means nothing without. */
export interface DeviceFacts {
  readonly device: string;
  /** The card or the adapter; of a CPU, its threads. */
  readonly card: string;
  /** Version of the driver, and the newest CUDA it runs. */
  readonly driver: string | undefined;
  readonly onnxRuntime: string;
  readonly library: string;
  readonly deno: string;
  readonly date: string;
  readonly float16: boolean;
  readonly attention: string;
  /** Whether the adapter is a program on the processor. */
  readonly software: boolean;
}

/** Asks the runtime, the driver and nvidia-smi. What nobody tells is left out. */
export async function factsOf(
  device: Device,
  known: { readonly float16: boolean; readonly attention: string },
): Promise<DeviceFacts> {
  const { library } = await inspectRuntime([]);
  const { card, driver, software } = await cardOf(device);
  return {
    device: device.name,
    card,
    driver,
    onnxRuntime: library?.version ?? "unknown",
    library: library?.path ?? "unknown",
    deno: Deno.version.deno,
    date: new Date().toISOString(),
    ...known,
    software,
  };
}

async function cardOf({ kind, name, threads }: Device) {
  if (kind === "cpu") {
    return { card: `${threads} threads, ${Deno.build.arch}`, driver: undefined, software: false };
  }
  const smi = await nvidiaSmi("name,driver_version,memory.total", indexOf(name));
  if (kind === "cuda") {
    const cuda = cudaDriver();
    const known = cuda?.cards.find(({ index }) => index === indexOf(name));
    const driver = cuda ? `CUDA ${cuda.cuda}${smi ? `, ${smi}` : ""}` : smi;
    return { card: known?.name ?? smi ?? "unknown", driver, software: false };
  }
  const card = await adapterName() ?? "unknown";
  return { card, driver: smi, software: /swiftshader|llvmpipe|software|basic render/i.test(card) };
}

const indexOf = (name: string) => Number(/:(\d+)$/.exec(name)?.[1] ?? 0);

/** Megabytes of the card's memory in use, where nvidia-smi tells. */
export async function cardMemory({ kind, name }: Device): Promise<number | undefined> {
  if (kind === "cpu") return undefined;
  const text = await nvidiaSmi("memory.used", indexOf(name));
  const used = Number.parseFloat(text ?? "");
  return Number.isFinite(used) ? used : undefined;
}

async function nvidiaSmi(query: string, index: number): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("nvidia-smi", {
      args: [`--id=${index}`, `--query-gpu=${query}`, "--format=csv,noheader"],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() || undefined : undefined;
  } catch {
    return undefined;
  }
}
