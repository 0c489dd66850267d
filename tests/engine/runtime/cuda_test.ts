import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { neededLibraries } from "../../../engine/runtime/_elf.ts";
import { type CudaNeed, cudaNeeds, cudaRemedies, cudaWheel } from "../../../engine/runtime/mod.ts";
import { missingCudnn } from "../../../engine/runtime/cuda_needs.ts";
import { joinFolders } from "../../../engine/runtime/_joined.ts";
import { cacheFolder } from "../../../engine/runtime/_surroundings.ts";
import { denoDir } from "../../_deno_dir.ts";
import { makeElf } from "./_elf.ts";

async function inFile(bytes: Uint8Array, work: (path: string) => void | Promise<void>) {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    await work(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("neededLibraries() reads the names in the loader's order", async () => {
  const names = ["libcublasLt.so.13", "libcuda.so.1", "libc.so.6"];
  await inFile(makeElf(names), (path) => assertEquals(neededLibraries(path), names));
  await inFile(makeElf([]), (path) => assertEquals(neededLibraries(path), []));
});

Deno.test({
  name: "neededLibraries() reads a library of this system",
  ignore: Deno.build.os !== "linux",
  fn() {
    const path = ["/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib/aarch64-linux-gnu"]
      .map((folder) => `${folder}/libm.so.6`)
      .find((path) => {
        try {
          return Deno.statSync(path).isFile;
        } catch {
          return false;
        }
      });
    if (path !== undefined) assert(neededLibraries(path).includes("libc.so.6"), path);
  },
});

Deno.test("neededLibraries() refuses what is no library, or broken", async () => {
  const whole = makeElf(["libc.so.6"]);
  const other = (at: number, ...bytes: number[]) => {
    const copy = whole.slice();
    copy.set(bytes, at);
    return copy;
  };
  const cases: [Uint8Array, string][] = [
    [new TextEncoder().encode("no library"), "it ends inside its head"],
    [other(0, 0x4d, 0x5a), "it does not begin as an ELF file of 64 bits"],
    [other(4, 1), "it does not begin as an ELF file of 64 bits"],
    [whole.slice(0, 0x210), "it ends inside its dynamic section"],
    [other(64 + 56, 6), "it has no dynamic section"],
    [other(56, 0xff, 0xff), "it ends inside its list of segments"],
    [other(64 + 56 + 32 + 4, 1), "its dynamic section has"],
    [other(0x200 + 16 + 8 + 3, 1), "its names are in no segment"],
    [other(0x200 + 8, 200), "a name does not end inside the table of names"],
  ];
  for (const [bytes, problem] of cases) {
    await inFile(bytes, (path) => {
      const { message } = assertThrows(() => neededLibraries(path), Error);
      assertStringIncludes(message, problem);
    });
  }
});

Deno.test({
  name: "cudaNeeds() tries what the provider names of NVIDIA's, driver first, and nothing else",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const named = ["libcublas.so.99", "libcuda.so.1", "libc.so.6", "libcudnn.so.9"];
    await inFile(makeElf(named), (path) => {
      const needs = cudaNeeds(path);
      assertEquals(needs.map(({ library, part, required }) => [library, part, required]), [
        ["libcuda.so.1", "driver", true],
        ["libcublas.so.99", "cuBLAS", true],
        ["libcudnn.so.9", "cuDNN", true],
        ["libnvrtc.so.13", "NVRTC", false],
      ]);
      const [, absent] = needs;
      assertEquals(absent!.found, false);
      assertStringIncludes(absent!.problem!, "libcublas.so.99: cannot open shared object file");
    });
    const unread = cudaNeeds("/nowhere/provider.so").filter(({ required }) => required);
    assertEquals(unread.map(({ library }) => library), [
      "libcuda.so.1",
      "libcudart.so.13",
      "libcublas.so.13",
      "libcublasLt.so.13",
      "libcurand.so.10",
    ]);
  },
});

Deno.test("missingCudnn() is of what cudaNeeds() says of cuDNN", () => {
  if (Deno.build.os === "darwin") return;
  const told = cudaNeeds().find(({ part }) => part === "cuDNN")!;
  assertEquals(missingCudnn(), told.found ? undefined : told);
  const missing = { ...told, found: false };
  assertStringIncludes(
    cudaRemedies([missing]).join(),
    Deno.build.os === "windows" ? "cuDNN 9" : told.apt,
  );
});

Deno.test({
  name: "cudaRemedies() names each package once, and only what is missing",
  ignore: Deno.build.os === "windows",
  fn() {
    const need = (part: string, library: string, found: boolean, apt: string, pip?: string) =>
      ({ library, part, required: true, found, apt, ...(pip && { pip }) }) as CudaNeed;
    const driver = (found: boolean) => need("driver", "libcuda.so.1", found, "nvidia-driver-580");
    const cublas = [
      need("cuBLAS", "libcublas.so.13", false, "libcublas-13-0", "nvidia-cublas"),
      need("cuBLAS", "libcublasLt.so.13", false, "libcublas-13-0", "nvidia-cublas"),
    ];
    const cudnn = need("cuDNN", "libcudnn.so.9", false, "libcudnn9-cuda-13", "nvidia-cudnn-cu13");
    assertEquals(cudaRemedies([driver(true)]), []);
    assertEquals(cudaRemedies([driver(false)]), [
      "Install NVIDIA's driver, 580 or newer (Ubuntu: nvidia-driver-580)",
    ]);
    assertEquals(cudaRemedies([driver(true)], { cuda: "13.0", cards: [] }), []);
    assertEquals(cudaRemedies([driver(true)], { cuda: "12.9", cards: [] }), [
      "The driver runs CUDA up to 12.9, and 13 is needed: install 580 or newer",
    ]);
    assertEquals(cudaRemedies([driver(true), ...cublas]), [
      "Debian and Ubuntu, from NVIDIA's repository: apt-get install libcublas-13-0",
      "Or: pip install nvidia-cublas, and put the folders nvidia/cu13/lib that they bring into LD_LIBRARY_PATH",
    ]);
    assertStringIncludes(
      cudaRemedies([...cublas, cudnn])[1]!,
      "the folders nvidia/cu13/lib and nvidia/cudnn/lib that",
    );
  },
});

Deno.test("cudaWheel() is of the very version of the package onnxruntime-node", async () => {
  if (Deno.build.os === "darwin") {
    assertThrows(() => cudaWheel(), Error, "there is no CUDA for darwin");
    return;
  }
  const { default: project } = await import("../../../deno.json", { with: { type: "json" } });
  const pinned = project.imports["onnxruntime-node"].split("@").at(-1)!;
  const { version, folder, members, platform } = cudaWheel();
  assertEquals(version, pinned);
  assertEquals(folder, `${cacheFolder()}/onnxruntime-cuda-${pinned}`);
  assert(members.every((path) => path.startsWith("onnxruntime/capi/")));
  assertEquals(platform.test("macosx_14_0_arm64"), false);
});

/** Runs code that imports the runtime in a process of its own, where everything is looked for anew. */
async function evaluate(
  code: string,
  env: Record<string, string>,
  config = new URL("../../../deno.json", import.meta.url).pathname,
): Promise<unknown> {
  const module = new URL("../../../engine/runtime/mod.ts", import.meta.url);
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", config, `import * as runtime from "${module}";${code}`],
    env: { SLUICE_ORT_CUDA: "", SLUICE_ORT_LIBRARY: "", DENO_DIR: denoDir(), ...env },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test({
  name: "cacheFolder() follows XDG_CACHE_HOME where that is absolute, else the home folder",
  ignore: Deno.build.os === "windows",
  async fn() {
    const code = `console.log(JSON.stringify(runtime.cudaWheel().folder));`;
    if (Deno.build.os === "darwin") return;
    const of = async (env: Record<string, string>) =>
      (await evaluate(code, env) as string).replace(/-[\d.]+$/, "");
    const folder = "sluice/onnxruntime-cuda";
    assertEquals(await of({ XDG_CACHE_HOME: "/a/b", HOME: "/home/me" }), `/a/b/${folder}`);
    for (const XDG_CACHE_HOME of ["", "relative"]) {
      assertEquals(await of({ XDG_CACHE_HOME, HOME: "/home/me" }), `/home/me/.cache/${folder}`);
    }
  },
});

const linux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";

/** A cache with a provider that only pretends to be one. */
async function withCache(
  provider: Uint8Array,
  work: (cache: string, folder: string) => Promise<void>,
) {
  const cache = await Deno.makeTempDir();
  try {
    const { version } = cudaWheel();
    const folder = `${cache}/sluice/onnxruntime-cuda-${version}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(`${folder}/libonnxruntime_providers_cuda.so`, provider);
    await work(cache, folder);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

const inspect = `console.log(JSON.stringify(await runtime.inspectRuntime(["cpu", "cuda:0"])));`;

// deno-lint-ignore no-explicit-any
type Report = any;

Deno.test({
  name: "an installed provider is opened beside the library, and a broken one is told by its name",
  ignore: !linux,
  async fn() {
    await withCache(new TextEncoder().encode("no library"), async (cache, folder) => {
      const report = await evaluate(inspect, { XDG_CACHE_HOME: cache }) as Report;
      assertEquals(report.library.source, "devices install cuda");
      assertEquals(report.library.path, `${folder}/libonnxruntime.so.1`);
      assert((await Deno.lstat(report.library.path)).isSymlink);
      const [cpu, cuda] = report.devices;
      assertEquals(cpu, { device: "cpu", available: true });
      assertStringIncludes(
        cuda.reason,
        `its provider cannot be loaded: ${folder}/libonnxruntime_providers_cuda.so: file too short`,
      );
      assertStringIncludes(cuda.remedy, "sluice devices install cuda --restart");
    });
  },
});

Deno.test({
  name: "an installed provider that cannot be linked to leaves the processor as it is",
  ignore: !linux,
  async fn() {
    await withCache(new TextEncoder().encode("no library"), async (cache, folder) => {
      // A folder in the place of the link: not even root can put a link there.
      await Deno.mkdir(`${folder}/libonnxruntime.so.1/inside`, { recursive: true });
      const { library, devices } = await evaluate(inspect, { XDG_CACHE_HOME: cache }) as Report;
      assertEquals(library.source, "onnxruntime-node");
      assertEquals(devices[0], { device: "cpu", available: true });
      assertStringIncludes(devices[1].reason, "cannot link ONNX Runtime and the CUDA provider");
      const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
      assertEquals(names, ["libonnxruntime.so.1", "libonnxruntime_providers_cuda.so"]);
    });
  },
});

Deno.test({
  name: "joinFolders() goes on where a process of the same number died half-way",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const library = `${folder}/libonnxruntime.so.1`;
      await Deno.writeTextFile(library, "");
      const joined = `${folder}/joined`;
      await Deno.mkdir(joined);
      await Deno.symlink("/nowhere", `${joined}/libonnxruntime.so.1.${Deno.pid}`);
      assertEquals(joinFolders(library, joined, joined), `${joined}/libonnxruntime.so.1`);
      assertEquals(
        await Deno.realPath(`${joined}/libonnxruntime.so.1`),
        await Deno.realPath(library),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "variables come before what is installed",
  ignore: !linux,
  async fn() {
    await withCache(makeElf([]), async (cache) => {
      const library = await evaluate(
        `console.log(JSON.stringify(runtime.findLibrary()));`,
        { XDG_CACHE_HOME: `${cache}/other` },
      ) as Report;
      assertEquals(library.source, "onnxruntime-node");
      const report = await evaluate(inspect, {
        XDG_CACHE_HOME: cache,
        SLUICE_ORT_LIBRARY: library.path,
      }) as Report;
      assertEquals(report.library, { ...library, source: "SLUICE_ORT_LIBRARY", version: "1.30.0" });
    });
  },
});

Deno.test({
  name: "a provider that is installed while the process runs asks for a new start",
  ignore: !linux,
  async fn() {
    const cache = await Deno.makeTempDir();
    try {
      const report = await evaluate(
        `runtime.findLibrary();
        const { folder } = runtime.cudaWheel();
        Deno.mkdirSync(folder, { recursive: true });
        Deno.writeTextFileSync(folder + "/libonnxruntime_providers_cuda.so", "");
        ${inspect}`,
        { XDG_CACHE_HOME: cache },
      ) as Report;
      assertEquals(
        report.devices[1].reason,
        "its provider was installed after this process had opened ONNX Runtime",
      );
      assertEquals(report.devices[1].remedy, "Start it anew");
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  },
});

Deno.test({
  name: "without the package onnxruntime-node a named library still has its devices looked for",
  ignore: !linux,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const config = `${folder}/deno.json`;
      await Deno.writeTextFile(config, "{}");
      const { path } = await evaluate(
        `console.log(JSON.stringify(runtime.findLibrary()));`,
        { XDG_CACHE_HOME: folder },
      ) as Report;
      const env = { SLUICE_ORT_LIBRARY: path, XDG_CACHE_HOME: folder };
      const { devices } = await evaluate(inspect, env, config) as Report;
      assertEquals(devices[0], { device: "cpu", available: true });
      assertStringIncludes(devices[1].reason, "ONNX Runtime's CUDA provider is not installed");
      const report = await evaluate(
        `console.log(JSON.stringify(runtime.inspectCuda()));`,
        env,
        config,
      ) as Report;
      assertEquals([report.provider, report.installed], [undefined, undefined]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a provider that is not installed is told with the command that gets it",
  ignore: !linux,
  async fn() {
    const cache = await Deno.makeTempDir();
    try {
      const { devices, library } = await evaluate(inspect, { XDG_CACHE_HOME: cache }) as Report;
      assertEquals(library.source, "onnxruntime-node");
      assertStringIncludes(devices[1].reason, "ONNX Runtime's CUDA provider is not installed");
      assertStringIncludes(devices[1].remedy, "sluice devices install cuda");
      assertEquals([...Deno.readDirSync(cache)].filter(({ name }) => name === "sluice"), []);
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  },
});

/** A driver in C, for a machine with two cards that are none. */
const driver = `
#include <string.h>
int cuInit(unsigned flags) { return flags; }
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return COUNT; }
int cuDeviceGet(int *device, int ordinal) { *device = 40 + ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
  strncpy(name, device == 40 ? "Card A" : "Card B", length);
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = device * 1000000000L; return 0; }
`;

const compiles = linux && await hasCompiler();

/** Whether there is a C compiler; a bare machine has none. */
async function hasCompiler(): Promise<boolean> {
  try {
    return (await new Deno.Command("cc", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "inspectCuda() asks the driver for its version and its cards",
  ignore: !compiles,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/driver.c`, driver);
      for (
        const [count, expected] of [
          [0, {
            cuda: "13.2",
            cards: [
              { index: 0, name: "Card A", memory: 40e9 },
              { index: 1, name: "Card B", memory: 41e9 },
            ],
          }],
          [100, { cuda: "13.2", cards: [], problem: "it sees no NVIDIA card" }],
        ] as const
      ) {
        const args = ["-shared", "-fPIC", `-DCOUNT=${count}`, "-Wl,-soname,libcuda.so.1"];
        const { success } = await new Deno.Command("cc", {
          args: [...args, "-o", `${folder}/libcuda.so.1`, `${folder}/driver.c`],
        }).output();
        assert(success);
        const report = await evaluate(
          `console.log(JSON.stringify(runtime.inspectCuda()));`,
          { LD_LIBRARY_PATH: folder, XDG_CACHE_HOME: folder },
        ) as Report;
        assertEquals(report.driver, expected);
        assertEquals(report.needs[0].found, true);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
