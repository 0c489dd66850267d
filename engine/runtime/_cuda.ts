/**
 * The CUDA provider, which ONNX Runtime's npm package does not carry. It comes in two forms: the bridge, a
 * library that loads into ONNX Runtime of the very same version, and the plugin, which brings its own
 * version. Neither could be run where this was written: no NVIDIA card there.
 */

import type { Core } from "./_core.ts";
import { DeviceUnavailableError, OrtError } from "./errors.ts";
import { cudaBridge, environment, findLibrary, isFile } from "./library.ts";
import { out, pathText, readHandles, readText, text, texts } from "./_native.ts";
import { openTiny } from "./_tiny.ts";

const pluginFile = Deno.build.os === "windows"
  ? "onnxruntime_providers_cuda_plugin.dll"
  : "libonnxruntime_providers_cuda_plugin.so";

/** Names that the two forms' providers give themselves. */
const providerNames = { bridge: "CUDAExecutionProvider", plugin: "CudaPluginExecutionProvider" };

/** A provider library that is there. */
interface Found {
  readonly form: "bridge" | "plugin";
  readonly path: string;
}

/**
 * Opens card `index`: gives the core its provider and its memory. Rejects with a DeviceUnavailableError where
 * the provider library, CUDA or the card is missing.
 */
export async function openCuda(core: Core, index: number): Promise<void> {
  const found = findProvider();
  if (found === undefined) {
    throw new DeviceUnavailableError(
      core.name,
      `no CUDA provider library (${cudaBridge} or ${pluginFile}) beside ONNX Runtime or in SLUICE_ORT_CUDA`,
      remedy(),
    );
  }
  try {
    const devices = await register(core, found);
    const info = found.form === "bridge"
      ? appendBridge(core, index)
      : appendPlugin(core, devices, index);
    const session = await openTiny(core);
    const handle = out();
    await core.executor.call("CreateAllocator", session, info, handle);
    const allocator = handle[0]!;
    core.owned.add(async () => void await core.executor.call("ReleaseAllocator", allocator));
    core.memory = { info, allocator };
  } catch (error) {
    if (!(error instanceof OrtError)) throw error;
    throw new DeviceUnavailableError(core.name, error.detail.trim(), remedy(), { cause: error });
  }
}

function findProvider(): Found | undefined {
  const library = findLibrary().path;
  const own = library.slice(0, Math.max(library.lastIndexOf("/"), library.lastIndexOf("\\")));
  const named = environment("SLUICE_ORT_CUDA");
  const plugins = [own, ...(named === undefined ? [] : [named])]
    .map((folder) => `${folder}/${pluginFile}`);
  // The bridge loads from ONNX Runtime's own folder only.
  if (isFile(`${own}/${cudaBridge}`)) return { form: "bridge", path: `${own}/${cudaBridge}` };
  const plugin = plugins.find(isFile);
  return plugin === undefined ? undefined : { form: "plugin", path: plugin };
}

const registered = new Set<string>();

/**
 * Makes the library known to the environment, once a process: the plugin's devices come from there, and the
 * bridge's copies between host and card. Gives the provider's `OrtEpDevice*`s.
 */
async function register(core: Core, { form, path }: Found): Promise<bigint[]> {
  const { native, env, executor } = core;
  const provider = providerNames[form];
  if (!registered.has(path)) {
    await executor.call("RegisterExecutionProviderLibrary", env, text(provider), pathText(path));
    registered.add(path);
  }
  const [list, count] = [out(), out()];
  native.call("GetEpDevices", env, list, count);
  return readHandles(list[0]!, Number(count[0]!))
    .filter((device) => readText(native.call("EpDevice_EpName", device)) === provider);
}

/** Sessions get the bridge's provider; gives the card's `OrtMemoryInfo*`. */
function appendBridge(core: Core, index: number): bigint {
  const { native, executor } = core;
  const handle = out();
  native.call("CreateCUDAProviderOptions", handle);
  const options = handle[0]!;
  core.owned.add(() => native.call("ReleaseCUDAProviderOptions", options));
  // TF32 keeps 10 bits of a float32 product's 23: float32 graphs are asked for their precision.
  const keys = texts(["device_id", "use_tf32"]);
  const values = texts([String(index), "0"]);
  native.call("UpdateCUDAProviderOptions", options, keys.pointers, values.pointers, 2);
  core.appendProvider = async (target) => {
    await executor.call("SessionOptionsAppendExecutionProvider_CUDA_V2", target, options);
  };
  // OrtDeviceAllocator 0, OrtMemTypeDefault 0
  native.call("CreateMemoryInfo", text("Cuda"), 0, index, 0, handle);
  const info = handle[0]!;
  core.owned.add(() => native.call("ReleaseMemoryInfo", info));
  return info;
}

/** Sessions get the plugin's provider; gives the card's `OrtMemoryInfo*`, which the environment owns. */
function appendPlugin(core: Core, devices: readonly bigint[], index: number): bigint {
  const { native, env, executor } = core;
  const device = devices[index];
  if (device === undefined) {
    throw new DeviceUnavailableError(
      core.name,
      `the CUDA plugin sees ${devices.length} cards, and this would be number ${index} from 0`,
      devices.length === 0 ? remedy() : "Choose another number",
    );
  }
  const list = out();
  list[0] = device;
  const none = texts([]);
  core.appendProvider = async (target) => {
    await executor.call(
      "SessionOptionsAppendExecutionProvider_V2",
      target,
      env,
      list,
      1,
      none.pointers,
      none.pointers,
      0,
    );
  };
  // OrtDeviceMemoryType_DEFAULT 0
  return native.call("EpDevice_MemoryInfo", device, 0);
}

function remedy(): string {
  if (Deno.build.os === "darwin" || Deno.build.arch !== "x86_64") {
    return "CUDA needs Linux or Windows on x86-64; use webgpu here";
  }
  return "Install an NVIDIA driver, CUDA 13 and cuDNN 9, unpack PyPI's onnxruntime-gpu 1.30.0 and name its " +
    "folder onnxruntime/capi in SLUICE_ORT_CUDA; or use webgpu, which needs the driver only";
}
