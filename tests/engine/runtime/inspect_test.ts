import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { denoDir } from "../../_deno_dir.ts";
import { inspectRuntime, liveHandles } from "../../../engine/runtime/mod.ts";

Deno.test("inspectRuntime() reports library, providers and every device, and leaves nothing open", async () => {
  const report = await inspectRuntime(["cpu", "webgpu", "cuda:0"]);
  assertEquals(report.problem, undefined);
  assertEquals(report.library?.version, "1.30.0");
  assert(report.providers.includes("CPUExecutionProvider"));
  assertEquals(report.devices.map((entry) => entry.device), ["cpu", "webgpu", "cuda:0"]);
  assertEquals(report.devices[0]!.available, true);
  for (const entry of report.devices) {
    if (!entry.available) assert(entry.reason.length > 0 && entry.remedy.length > 0, entry.device);
  }
  assertEquals(liveHandles().executor, 0);
});

/** Runs inspectRuntime in a process of its own, where the library is looked for anew. */
async function inspectWith(env: Record<string, string>) {
  const module = new URL("../../../engine/runtime/mod.ts", import.meta.url);
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const code = `import { inspectRuntime } from "${module}";
    console.log(JSON.stringify(await inspectRuntime(["cpu", "cuda:0"])));`;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", config, code],
    env: { DENO_DIR: denoDir(), ...env },
    stderr: "null",
  }).output();
  assert(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("inspectRuntime() says what is wrong with a library that a variable names", async () => {
  const absent = await inspectWith({ SLUICE_ORT_LIBRARY: "/nowhere/libonnxruntime.so" });
  assertStringIncludes(
    absent.problem,
    "cannot find ONNX Runtime at /nowhere/libonnxruntime.so, which SLUICE_ORT_LIBRARY names",
  );
  assertEquals(absent.devices[0].available, false);
  const wrong = await inspectWith({ SLUICE_ORT_LIBRARY: import.meta.filename! });
  assertStringIncludes(wrong.problem, "as ONNX Runtime's library");
});

Deno.test({
  name: "a folder of SLUICE_ORT_CUDA is joined with the library, and a broken provider is told",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/libonnxruntime_providers_cuda.so`, "no library");
      const report = await inspectWith({
        SLUICE_ORT_CUDA: folder,
        XDG_CACHE_HOME: `${folder}/cache`,
      });
      assertEquals(report.library.source, "SLUICE_ORT_CUDA");
      assertEquals(
        report.library.path,
        `${folder}/cache/sluice/onnxruntime-cuda/libonnxruntime.so.1`,
      );
      const [cpu, cuda] = report.devices;
      assertEquals(cpu.available, true);
      assertEquals(cuda.available, false);
      assertStringIncludes(cuda.reason, "libonnxruntime_providers_cuda.so");
      assertStringIncludes(cuda.remedy, "SLUICE_ORT_CUDA");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
