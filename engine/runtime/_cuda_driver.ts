/** NVIDIA's driver, asked for its version and its cards. */

/** A card. */
export interface CudaCard {
  /** n in `cuda:n`. */
  readonly index: number;
  /** As the driver calls it, such as `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  /** Bytes of its memory. */
  readonly memory: number;
}

/** What the driver says. */
export interface CudaDriver {
  /** Newest CUDA that it runs, such as `13.0`. */
  readonly cuda: string;
  /** In the order of their numbers. */
  readonly cards: readonly CudaCard[];
  /** Why there are no cards, where the driver gives a reason. */
  readonly problem?: string;
}

const symbols = {
  // CUresult cuInit(unsigned int flags)
  cuInit: { parameters: ["u32"], result: "i32" },
  // CUresult cuDriverGetVersion(int* version): 1000 × major + 10 × minor
  cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
  // CUresult cuDeviceGet(CUdevice* device, int ordinal)
  cuDeviceGet: { parameters: ["buffer", "i32"], result: "i32" },
  // CUresult cuDeviceGetName(char* name, int length, CUdevice)
  cuDeviceGetName: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice)
  cuDeviceTotalMem_v2: { parameters: ["buffer", "i32"], result: "i32" },
} as const;

/** CUresult's that a machine without a working card gives, from cuda.h. */
const reasons: Readonly<Record<number, string>> = {
  100: "it sees no NVIDIA card",
  802: "its system is not ready yet",
  803: "its library and its kernel module are of different versions: restart the machine",
  804: "this card does not run so new a CUDA by a compatibility library",
  999: "its kernel module does not answer: nvidia-smi tells more",
};

/** Asks the driver; undefined where there is none that can be opened. Opens no context on a card. */
export function cudaDriver(): CudaDriver | undefined {
  const name = Deno.build.os === "windows" ? "nvcuda.dll" : "libcuda.so.1";
  let library: Deno.DynamicLibrary<typeof symbols>;
  try {
    library = Deno.dlopen(name, symbols);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
  try {
    return ask(library.symbols);
  } finally {
    library.close();
  }
}

function ask(driver: Deno.DynamicLibrary<typeof symbols>["symbols"]): CudaDriver {
  const number = new Int32Array(1);
  const version = driver.cuDriverGetVersion(number) === 0 ? number[0]! : 0;
  const cuda = `${Math.floor(version / 1000)}.${Math.floor(version % 1000 / 10)}`;
  const status = driver.cuInit(0) || driver.cuDeviceGetCount(number);
  if (status !== 0) {
    return { cuda, cards: [], problem: reasons[status] ?? `it answers with error ${status}` };
  }
  const cards = Array.from({ length: number[0]! }, (_, index): CudaCard => {
    const device = new Int32Array(1);
    const name = new Uint8Array(256);
    const memory = new BigUint64Array(1);
    const failed = driver.cuDeviceGet(device, index) ||
      driver.cuDeviceGetName(name, name.length, device[0]!) ||
      driver.cuDeviceTotalMem_v2(memory, device[0]!);
    return {
      index,
      name: failed ? "unknown" : new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
      memory: failed ? 0 : Number(memory[0]!),
    };
  });
  return { cuda, cards };
}
