/** The WebGPU provider inside ONNX Runtime's library: Vulkan, Metal or Direct3D 12. */

import type { Core } from "./_core.ts";
import { DeviceUnavailableError, OrtError } from "./errors.ts";
import { out, text, texts } from "./_native.ts";
import { openTiny } from "./_tiny.ts";

/** Settings of the WebGPU provider. The first device of a process decides for all. */
export interface WebgpuOptions {
  /** Check every command against WebGPU's rules: for tests. Release builds of the provider check little. */
  readonly validation?: "disabled" | "basic" | "full";
  /** Which adapter to prefer where there are several. */
  readonly power?: "high-performance" | "low-power";
}

/**
 * Opens the provider: gives the core its provider, its memory and one small session that stays open, because
 * compiled shaders live as long as any session of the provider does. Rejects with a DeviceUnavailableError
 * where there is no adapter.
 */
export async function openWebgpu(core: Core, options: WebgpuOptions): Promise<void> {
  const { native, executor } = core;
  // The API puts the provider's prefix before each key itself; a key that has it already is ignored.
  const settings = {
    ...(options.validation && { validationMode: options.validation }),
    ...(options.power && { powerPreference: options.power }),
  };
  const keys = texts(Object.keys(settings));
  const values = texts(Object.values(settings));
  const name = text("WebGPU");
  core.appendProvider = async (target) => {
    await executor.call(
      "SessionOptionsAppendExecutionProvider",
      target,
      name,
      keys.pointers,
      values.pointers,
      keys.strings.length,
    );
  };

  let session: bigint;
  try {
    session = await openTiny(core);
  } catch (error) {
    throw error instanceof OrtError ? unavailable(error) : error;
  }

  const handle = out();
  // OrtDeviceAllocator 0, device 0, OrtMemTypeDefault 0
  native.call("CreateMemoryInfo", text("WebGPU_Buffer"), 0, 0, 0, handle);
  const info = handle[0]!;
  core.owned.add(() => native.call("ReleaseMemoryInfo", info));
  await executor.call("CreateAllocator", session, info, handle);
  const allocator = handle[0]!;
  core.owned.add(async () => void await executor.call("ReleaseAllocator", allocator));
  core.memory = { info, allocator };
}

function unavailable(cause: OrtError): DeviceUnavailableError {
  const missing = /not (supported|enabled|available)|unknown provider/i.test(cause.detail) &&
    /execution provider/i.test(cause.detail);
  return new DeviceUnavailableError(
    "webgpu",
    missing ? "this ONNX Runtime was built without WebGPU" : `${reasonIn(cause.detail)}`,
    missing ? "Unset SLUICE_ORT_LIBRARY and SLUICE_ORT_CUDA to use npm:onnxruntime-node" : remedy(),
    { cause },
  );
}

function remedy(): string {
  if (Deno.build.os === "darwin") return "It needs a Mac with Metal";
  if (Deno.build.os === "windows") return "Install the graphics card's driver (Direct3D 12)";
  return "Install the graphics card's Vulkan driver and its loader (Debian: libvulkan1 and " +
    "mesa-vulkan-drivers). To try it on the processor: apt-get install chromium libvulkan1, then set " +
    "VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json";
}

/** The last sentence of a message that begins with source lines. */
function reasonIn(message: string): string {
  return message.trim().split("\n").at(-1)!.replace(/^.* was false\. /, "").replace(/\.$/, "");
}
