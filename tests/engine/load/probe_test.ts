import { assert, assertEquals } from "@std/assert";
import { float16Works, tryFloat16 } from "../../../engine/load/probe.ts";
import { openDevice } from "../../../engine/runtime/mod.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

Deno.test("float16Works() is false on the CPU, which has no kernels for it, though its numbers are right", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  assertEquals(await float16Works(device), false);
  assert(await tryFloat16(device));
});

Deno.test({
  name: "float16Works() tells by a run whether an adapter has 16-bit floats, and leaves it usable",
  ignore: !await webgpuIsHere(),
  fn: async () => {
    await using device = await openDevice("webgpu");
    const works = await float16Works(device);
    const adapter = Deno.env.get("VK_DRIVER_FILES") ?? "";
    if (adapter.includes("swiftshader")) assertEquals(works, false);
    using tensor = device.createTensor("float32", [2]);
    await tensor.write(new Float32Array([1, 2]));
    assertEquals([...await tensor.read()], [1, 2]);
  },
});
