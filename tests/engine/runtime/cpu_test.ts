import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { liveHandles, openDevice, OrtError } from "../../../engine/runtime/mod.ts";
import { affine, constant, external, model, scatter, slow } from "./_models.ts";

const nothing = { device: 0, session: 0, binding: 0, tensor: 0, value: 0, executor: 0 };

Deno.test("session.run() computes on tensors in place, off this thread", async () => {
  {
    await using device = await openDevice("cpu", { threads: 1 });
    const session = await device.createSession(affine());
    assertEquals(session.inputs, [{ name: "x", dtype: "float32", shape: ["n"] }]);
    assertEquals(session.outputs, [{ name: "y", dtype: "float32", shape: ["n"] }]);
    const x = device.createTensor("float32", [4]);
    const y = device.createTensor("float32", [4]);
    assertEquals(x.data, new Float32Array(4), "a new tensor holds zeros");
    const binding = session.createBinding().input("x", x).output("y", y);
    await x.write(new Float32Array([1, 2, -3, 0.25]));
    await session.run(binding);
    assertEquals(await y.read(), new Float32Array([3.5, 6.5, -8.5, 1.25]));
    x.data[0] = 10;
    await session.run(binding);
    assertEquals(y.data[0], 30.5, "a write to data is seen by the next run with no new binding");
  }
  assertEquals(liveHandles(), nothing);
});
