/** What holds on every device: each test runs on the CPU, and on WebGPU where there is an adapter. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Device, liveHandles, openDevice, OrtError } from "../../../engine/runtime/mod.ts";
import type { DeviceKind } from "../../../engine/runtime/mod.ts";
import { affine, constant, model, scatter, slow } from "./_models.ts";
import { noWebgpu } from "./_webgpu.ts";

const nothing = { device: 0, session: 0, binding: 0, tensor: 0, value: 0, executor: 0 };

/** Registers a test per device; the device is open and on closing must have left nothing. */
function onEach(name: string, body: (device: Device) => Promise<void>) {
  for (const kind of ["cpu", "webgpu"] satisfies DeviceKind[]) {
    Deno.test({
      name: `${name} [${kind}]`,
      ignore: kind === "webgpu" && noWebgpu !== undefined,
      async fn() {
        const device = await openDevice(kind, { threads: 1, webgpu: { validation: "full" } });
        try {
          await body(device);
        } finally {
          await device[Symbol.asyncDispose]();
        }
        assertEquals(liveHandles(), nothing);
      },
    });
  }
}

onEach("session.run() computes from bound tensors into bound tensors", async (device) => {
  const session = await device.createSession(affine());
  assertEquals(session.inputs, [{ name: "x", dtype: "float32", shape: ["n"] }]);
  assertEquals(session.outputs, [{ name: "y", dtype: "float32", shape: ["n"] }]);
  const x = device.createTensor("float32", [4]);
  const y = device.createTensor("float32", [4]);
  const binding = session.createBinding().input("x", x).output("y", y);
  await x.write(new Float32Array([1, 2, -3, 0.25]));
  await session.run(binding);
  assertEquals(await y.read(), new Float32Array([3.5, 6.5, -8.5, 1.25]));
  await x.write(new Uint8Array(new Float32Array([0, 10, 0, 0]).buffer));
  await session.run(binding);
  assertEquals(await y.read(), new Float32Array([0.5, 30.5, 0.5, 0.5]), "seen with no new binding");
});

onEach("binding.input() with a host tensor gives each run what it holds then", async (device) => {
  const session = await device.createSession(affine());
  const x = device.createTensor("float32", [2], { on: "host" });
  const y = device.createTensor("float32", [2], { on: "host" });
  assertEquals(x.data, new Float32Array(2), "a new host tensor holds zeros");
  const binding = session.createBinding().input("x", x).output("y", y);
  await session.run(binding);
  assertEquals(y.data, new Float32Array([0.5, 0.5]));
  x.data.set([1, 2]);
  await session.run(binding);
  assertEquals(y.data, new Float32Array([3.5, 6.5]));
});

onEach("binding.outputOnHost() takes whatever size the output comes to", async (device) => {
  const session = await device.createSession(affine());
  const x = device.createTensor("float32", [3]);
  await x.write(new Float32Array([1, 2, 3]));
  const binding = session.createBinding().input("x", x).outputOnHost("y");
  assertThrows(() => binding.take("y"), TypeError, "a finished run");
  await session.run(binding);
  assertEquals(binding.take("y"), {
    dtype: "float32",
    shape: [3],
    data: new Float32Array([3.5, 6.5, 9.5]),
  });
  using short = x.view([1]);
  await session.run(binding.input("x", short));
  assertEquals(
    binding.take("y").data,
    new Float32Array([3.5]),
    "another size, no new binding of y",
  );
});

onEach("tensor.view() is the first elements in another shape", async (device) => {
  const tensor = device.createTensor("float32", [2, 3]);
  await tensor.write(new Float32Array([1, 2, 3, 4, 5, 6]));
  const view = tensor.view([1, 4]);
  assertEquals(await view.read(), new Float32Array([1, 2, 3, 4]));
  await view.write(new Float32Array([9, 8, 7, 6]));
  assertEquals(await tensor.read(), new Float32Array([9, 8, 7, 6, 5, 6]));
  assertThrows(
    () => tensor.view([7]),
    RangeError,
    "cannot view a tensor of shape [2, 3] as [7]: expected at most 6 elements, got 7",
  );
  tensor[Symbol.dispose]();
  assertEquals(await view.read(), new Float32Array([9, 8, 7, 6]), "outlives the tensor");
  await assertRejects(
    () => tensor.read(),
    TypeError,
    "cannot read a tensor of shape [2, 3]: it is disposed",
  );
});

onEach("tensor.copyFrom() copies from the device and from the host", async (device) => {
  const a = device.createTensor("int64", [2]);
  const b = device.createTensor("int64", [2]);
  const host = device.createTensor("int64", [2], { on: "host" });
  host.data.set([-1n, 2n ** 40n]);
  await a.copyFrom(host);
  await b.copyFrom(a);
  assertEquals(await b.read(), new BigInt64Array([-1n, 2n ** 40n]));
  host.data.fill(0n);
  await host.copyFrom(b);
  assertEquals(host.data, new BigInt64Array([-1n, 2n ** 40n]));
  const other = device.createTensor("int64", [1]);
  await assertRejects(() => other.copyFrom(a), TypeError, "expected int64 [1], got int64 [2]");
});

onEach("tensor.write() refuses another type or size", async (device) => {
  const tensor = device.createTensor("float32", [2]);
  await assertRejects(
    () => tensor.write(new Float32Array(3)),
    TypeError,
    "cannot write to a float32 tensor of shape [2]: expected 8 bytes, got 12",
  );
  await assertRejects(
    () => tensor.write(new Float64Array(1) as unknown as Float32Array),
    TypeError,
    "expected Float32Array or Uint8Array, got Float64Array",
  );
});

onEach("an output bound to its own input is updated in place, exactly", async (device) => {
  const [slots, width, count] = [48, 16, 3];
  const session = await device.createSession(scatter(slots, width, count));
  const cache = device.createTensor("float32", [1, slots, width]);
  const start = Float32Array.from({ length: slots * width }, (_, i) => i / 7);
  await cache.write(start);
  const indices = device.createTensor("int64", [1, count, 2]);
  const updates = device.createTensor("float32", [1, count, width]);
  const binding = session.createBinding().input("data", cache).input("indices", indices)
    .input("updates", updates).output("updated", cache);
  const expected = start.slice();
  for (const [turn, at] of [[5, 0, 47], [6, 7, 8], [0, 1, 5]].entries()) {
    await indices.write(new BigInt64Array(at.flatMap((slot) => [0n, BigInt(slot)])));
    const rows = Float32Array.from({ length: count * width }, (_, i) => -(turn + 1) - i / 3);
    await updates.write(rows);
    at.forEach((slot, row) =>
      expected.set(rows.subarray(row * width, (row + 1) * width), slot * width)
    );
    await session.run(binding);
  }
  assertEquals(await cache.read(), expected);
});

onEach("views of one tensor as input and output update only their prefix", async (device) => {
  const [slots, width] = [4, 8];
  const session = await device.createSession(scatter(slots, width, 1));
  const cache = device.createTensor("float32", [1, 10, width]);
  await cache.write(new Float32Array(10 * width).fill(1));
  const indices = device.createTensor("int64", [1, 1, 2]);
  await indices.write(new BigInt64Array([0n, 3n]));
  const updates = device.createTensor("float32", [1, 1, width]);
  await updates.write(new Float32Array(width).fill(2));
  const binding = session.createBinding().input("indices", indices).input("updates", updates);
  {
    using prefix = cache.view([1, slots, width]);
    binding.input("data", prefix).output("updated", prefix);
  }
  await session.run(binding);
  const expected = new Float32Array(10 * width).fill(1).fill(2, 3 * width, 4 * width);
  assertEquals(await cache.read(), expected);
});

onEach("binding holds what it names: tensors may be disposed before the run", async (device) => {
  const session = await device.createSession(affine());
  const y = device.createTensor("float32", [1]);
  const binding = session.createBinding().output("y", y);
  {
    using x = device.createTensor("float32", [1]);
    await x.write(new Float32Array([2]));
    binding.input("x", x);
  }
  await session.run(binding);
  assertEquals(await y.read(), new Float32Array([6.5]));
  const values = liveHandles().value;
  binding.input("x", y);
  assertEquals(liveHandles().value, values - 1, "the unnamed tensor's memory is freed");
});

onEach(
  "binding refuses what the session does not take, before ONNX Runtime is asked",
  async (device) => {
    const session = await device.createSession(scatter(4, 2, 1));
    const binding = session.createBinding();
    const wrong = device.createTensor("float32", [1, 4, 3]);
    const type = device.createTensor("int32", [1, 1, 2]);
    assertThrows(
      () => binding.input("dat", wrong),
      TypeError,
      "cannot bind input dat: the session has no such input. Expected one of data, indices, updates",
    );
    assertThrows(
      () => binding.input("data", wrong),
      TypeError,
      "cannot bind input data: expected float32 [1, 4, 2], got float32 [1, 4, 3]",
    );
    assertThrows(
      () => binding.input("indices", type),
      TypeError,
      "cannot bind input indices: expected int64 [1, 1, 2], got int32 [1, 1, 2]",
    );
    assertThrows(
      () => binding.output("updated", type),
      TypeError,
      "cannot bind output updated: expected float32 [1, 4, 2], got int32 [1, 1, 2]",
    );
    await assertRejects(
      () => session.run(binding),
      TypeError,
      "expected every input to be bound, got none for data, indices, updates",
    );
  },
);

onEach("runs asked for at once are made one after another", async (device) => {
  const session = await device.createSession(affine());
  const x = device.createTensor("float32", [1]);
  // y = 3 y + 0.5 in two tensors, back and forth.
  const y = device.createTensor("float32", [1]);
  const there = session.createBinding().input("x", x).output("y", y);
  const back = session.createBinding().input("x", y).output("y", x);
  await x.write(new Float32Array([1]));
  await Promise.all([there, back, there, back].map((binding) => session.run(binding)));
  assertEquals(await x.read(), new Float32Array([101]));
});

onEach("a failed run rejects with the operator's words and the session goes on", async (device) => {
  const session = await device.createSession(model({
    inputs: [["x", "float32", ["n"]], ["s", "int64", [1]]],
    outputs: [["y", "float32", ["m"]]],
    nodes: [{ op: "Reshape", in: ["x", "s"], out: ["y"] }],
  }));
  const x = device.createTensor("float32", [4]);
  await x.write(new Float32Array([1, 2, 3, 4]));
  const s = device.createTensor("int64", [1], { on: "host" });
  s.data[0] = 3n;
  const binding = session.createBinding().input("x", x).input("s", s).outputOnHost("y");
  const error = await assertRejects(
    () => session.run(binding),
    OrtError,
    "ONNX Runtime's RunWithBinding failed",
  );
  assertEquals(error.function, "RunWithBinding");
  assert(error.code === "RUNTIME_EXCEPTION" || error.code === "FAIL", error.code);
  assert(/reshape/i.test(error.detail), error.detail);
  s.data[0] = 4n;
  await session.run(binding);
  assertEquals(binding.take("y").data, new Float32Array([1, 2, 3, 4]));
});

onEach("everything is refused once it is disposed", async (device) => {
  const session = await device.createSession(affine());
  const x = device.createTensor("float32", [1]);
  const binding = session.createBinding().input("x", x).outputOnHost("y");
  const run = session.run(binding);
  const closing = session[Symbol.asyncDispose]();
  await assertRejects(
    () => session.run(binding),
    TypeError,
    "cannot run a session: it is disposed",
  );
  await run;
  await closing;
  await session[Symbol.asyncDispose]();
  assertThrows(() => session.createBinding(), TypeError, "it is disposed");
  assertThrows(() => binding.input("x", x), TypeError, "cannot use a binding: it is disposed");
  binding[Symbol.dispose]();
  x[Symbol.dispose]();
  x[Symbol.dispose]();
  assertThrows(() => x.view([1]), TypeError, "it is disposed");
  const other = await device.createSession(affine());
  await device[Symbol.asyncDispose]();
  await assertRejects(() => device.createSession(affine()), TypeError, "it is closed");
  assertThrows(() => device.createTensor("float32", [1]), TypeError, "it is closed");
  assertThrows(() => other.createBinding(), TypeError, "it is disposed");
});

onEach("createSession() refuses bytes that are no graph", async (device) => {
  await assertRejects(
    () => device.createSession(new Uint8Array([1, 2, 3])),
    OrtError,
    "CreateSessionFromArray failed with INVALID_PROTOBUF",
  );
  await assertRejects(
    () => device.createSession(new Uint8Array()),
    OrtError,
    "CreateSessionFromArray",
  );
  await assertRejects(
    () =>
      device.createSession(model({
        inputs: [["x", "float32", [1]]],
        outputs: [["y", "float32", [1]]],
        nodes: [{ op: "NoSuchOperator", in: ["x"], out: ["y"] }],
      })),
    OrtError,
    "NoSuchOperator",
  );
});

onEach("empty tensors and scalars are tensors too", async (device) => {
  const session = await device.createSession(affine());
  const empty = device.createTensor("float32", [0]);
  assertEquals(await empty.read(), new Float32Array());
  await empty.write(new Float32Array());
  const binding = session.createBinding().input("x", empty).outputOnHost("y");
  await session.run(binding);
  assertEquals(binding.take("y"), { dtype: "float32", shape: [0], data: new Float32Array() });

  const twice = await device.createSession(model({
    inputs: [["x", "float32", []]],
    outputs: [["y", "float32", []]],
    nodes: [{ op: "Mul", in: ["x", "two"], out: ["y"] }],
    initializers: [constant("two", "float32", [], new Float32Array([2]))],
  }));
  const scalar = device.createTensor("float32", []);
  await scalar.write(new Float32Array([21]));
  const result = device.createTensor("float32", []);
  await twice.run(twice.createBinding().input("x", scalar).output("y", result));
  assertEquals(await result.read(), new Float32Array([42]));
});

onEach("session.run() is ended by an abort during the run", async (device) => {
  const session = await device.createSession(slow(1_000_000, 32));
  const x = device.createTensor("float32", [32, 32]);
  await x.write(new Float32Array(32 * 32));
  const binding = session.createBinding().input("x", x).outputOnHost("y");
  const reason = new Error("enough");
  const controller = new AbortController();
  const run = session.run(binding, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  assertEquals(await run.catch((error) => error), reason);
  const other = await device.createSession(affine());
  const y = device.createTensor("float32", [1]);
  const zero = device.createTensor("float32", [1]);
  await zero.write(new Float32Array(1));
  await other.run(other.createBinding().input("x", zero).output("y", y));
  assertEquals(await y.read(), new Float32Array([0.5]), "the device goes on");
});

onEach("session.run() refuses another session's binding", async (device) => {
  const a = await device.createSession(affine());
  const b = await device.createSession(affine());
  await assertRejects(
    () => a.run(b.createBinding()),
    TypeError,
    "cannot run a session with another session's binding",
  );
});

onEach("two devices of a kind work at once, and do not see each other's memory", async (device) => {
  await using other = await openDevice(device.kind, { threads: 1 });
  await Promise.all([device, other].map(async (device, which) => {
    const session = await device.createSession(affine());
    const x = device.createTensor("float32", [1024]);
    const y = device.createTensor("float32", [1024]);
    const binding = session.createBinding().input("x", x).output("y", y);
    for (let turn = 0; turn < 10; turn++) {
      await x.write(new Float32Array(1024).fill(which + turn));
      await session.run(binding);
      assertEquals((await y.read())[1023], 3 * (which + turn) + 0.5);
    }
  }));
  const session = await device.createSession(affine());
  if (device.kind !== "cpu") {
    const foreign = other.createTensor("float32", [1]);
    assertThrows(
      () => session.createBinding().input("x", foreign),
      TypeError,
      "its memory is another device's",
    );
  }
});
