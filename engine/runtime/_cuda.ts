/**
 * The CUDA provider, which ONNX Runtime's npm package does not carry. It comes in two forms: the bridge, a
 * library that loads into ONNX Runtime of the very same version, and the plugin, which brings its own
 * version. No NVIDIA card was there where this was written: the bridge was seen to load, to be told by a driver
 * that there is no card, and, over a stand-in for NVIDIA's libraries that computes nothing, to take every node of
 * every network here. Nothing was computed on a card, and the plugin never loaded.
 */

import { tryCopies } from "./_copies.ts";
import type { Core } from "./_core.ts";
import { cudaBridge, cudaPlugin, packageTakesCuda } from "./_cuda_files.ts";
import { bridgeOptions, cudaOptions } from "./_cuda_options.ts";
import { type CudaNeed, cudaNeeds, cudaRemedies, missingCudnn } from "./cuda_needs.ts";
import { type CudaProvider, findCudaProvider, installedCuda, noCuda } from "./cuda_provider.ts";
import { DeviceUnavailableError, OrtError } from "./errors.ts";
import { cudaJoinProblem } from "./library.ts";
import { out, pathText, readHandles, readText, text, texts } from "./_native.ts";
import { openTiny } from "./_tiny.ts";

/** Names that the two forms' providers give themselves. */
const providerNames = { bridge: "CUDAExecutionProvider", plugin: "CudaPluginExecutionProvider" };

/**
 * Opens card `index`: gives the core its provider and its memory. Rejects with a DeviceUnavailableError where
 * the provider library, CUDA or the card is missing.
 */
export async function openCuda(core: Core, index: number): Promise<void> {
  const found = findCudaProvider();
  if (found === undefined) throw notInstalled(core.name);
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
    await tryCopies(core);
    const cudnn = missingCudnn();
    if (cudnn !== undefined) throw withoutCudnn(core.name, cudnn);
  } catch (error) {
    if (!(error instanceof OrtError)) throw error;
    throw unavailable(core.name, found, error);
  }
}

function withoutCudnn(device: string, cudnn: CudaNeed): DeviceUnavailableError {
  return new DeviceUnavailableError(
    device,
    `its attention and convolutions need cuDNN, and ${cudnn.library} is not found`,
    cudaRemedies([cudnn]).join(". "),
  );
}

function notInstalled(device: string): DeviceUnavailableError {
  if (Deno.build.os === "darwin") {
    return new DeviceUnavailableError(device, "there is no CUDA for macOS", noCuda);
  }
  const problem = cudaJoinProblem();
  if (problem !== undefined) {
    return new DeviceUnavailableError(device, problem, "Allow writing there");
  }
  const folder = installedCuda();
  if (folder === undefined) {
    const driver = cudaNeeds().some(({ part, found }) => part === "driver" && found);
    return new DeviceUnavailableError(
      device,
      `ONNX Runtime's CUDA provider is not installed (${cudaBridge} or ${cudaPlugin})${
        driver ? "" : ", and there is no NVIDIA driver"
      }`,
      `Install it: sluice devices install cuda${
        driver ? "" : ", which tells what else is missing"
      }; ` +
        "or name its folder in SLUICE_ORT_CUDA; or use webgpu, " +
        "which needs the driver only",
    );
  }
  return packageTakesCuda
    ? new DeviceUnavailableError(
      device,
      "its provider was installed after this process had opened ONNX Runtime",
      "Start it anew",
    )
    : new DeviceUnavailableError(
      device,
      "this ONNX Runtime is built without CUDA",
      `Set SLUICE_ORT_CUDA=${folder}, where the one with CUDA and without WebGPU is`,
    );
}

/** In words what ONNX Runtime says in several lines, and what to do about it. */
function unavailable(
  device: string,
  { path }: CudaProvider,
  cause: OrtError,
): DeviceUnavailableError {
  const detail = cause.detail.trim();
  const missing = cudaNeeds(path).filter(({ required, found }) => required && !found);
  if (/Failed to load library|LoadLibrary failed/.test(detail)) {
    const said = /with error: ([^\n]*)/.exec(detail)?.[1] ?? detail;
    // The loader names the file at fault: the provider itself, or what it needs.
    if (missing.length > 0 && !said.startsWith(path)) {
      const names = missing.map(({ library }) => library).join(", ");
      return new DeviceUnavailableError(
        device,
        `its provider cannot be loaded without ${names}`,
        `${cudaRemedies(missing).join(". ")}. See: sluice devices list`,
        { cause },
      );
    }
    return new DeviceUnavailableError(
      device,
      `its provider cannot be loaded: ${said}`,
      `Get it anew: sluice devices install cuda --restart; or set SLUICE_ORT_CUDA to the folder of another`,
      { cause },
    );
  }
  const failure = /CUDA failure (\d+): ([^;]*?) ;/.exec(detail);
  return new DeviceUnavailableError(
    device,
    failure === null ? detail : `CUDA says: ${failure[2]} (${failure[1]})`,
    "See whether nvidia-smi shows the card, and sluice devices list what is missing",
    { cause },
  );
}

/** Libraries by path; two devices that are opened at once wait for the same one. */
const registered = new Map<string, Promise<void>>();

/**
 * Makes the library known to the environment, once a process: the plugin's devices come from there, and the
 * bridge's copies between host and card. Gives the provider's `OrtEpDevice*`s.
 */
async function register(core: Core, { form, path }: CudaProvider): Promise<bigint[]> {
  const { native, env, executor } = core;
  const provider = providerNames[form];
  let known = registered.get(path);
  if (known === undefined) {
    known = executor.call(
      "RegisterExecutionProviderLibrary",
      env,
      text(provider),
      pathText(path),
    );
    registered.set(path, known);
    known.catch(() => registered.delete(path));
  }
  await known;
  const [list, count] = [out(), out()];
  native.call("GetEpDevices", env, list, count);
  return readHandles(list[0]!, Number(count[0]!))
    .filter((device) => readText(native.call("EpDevice_EpName", device)) === provider);
}

/** Sessions get the bridge's provider; gives the card's `OrtMemoryInfo*`. */
function appendBridge(core: Core, index: number): bigint {
  const { native, executor } = core;
  core.appendProvider = async (target, settings = {}) => {
    const handle = out();
    native.call("CreateCUDAProviderOptions", handle);
    const options = handle[0]!;
    try {
      const pairs = bridgeOptions(index, settings);
      const keys = texts(Object.keys(pairs));
      const values = texts(Object.values(pairs));
      const count = keys.strings.length;
      native.call("UpdateCUDAProviderOptions", options, keys.pointers, values.pointers, count);
      await executor.call("SessionOptionsAppendExecutionProvider_CUDA_V2", target, options);
    } finally {
      native.call("ReleaseCUDAProviderOptions", options);
    }
  };
  const handle = out();
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
      devices.length === 0 ? "See whether nvidia-smi shows the card" : "Choose another number",
    );
  }
  const list = out();
  list[0] = device;
  core.appendProvider = async (target, settings = {}) => {
    const pairs = cudaOptions(settings);
    const keys = texts(Object.keys(pairs));
    const values = texts(Object.values(pairs));
    await executor.call(
      "SessionOptionsAppendExecutionProvider_V2",
      target,
      env,
      list,
      1,
      keys.pointers,
      values.pointers,
      keys.strings.length,
    );
  };
  // OrtDeviceMemoryType_DEFAULT 0
  return native.call("EpDevice_MemoryInfo", device, 0);
}
