import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Device, liveHandles, openDevice, OrtError } from "../../../engine/runtime/mod.ts";
import { affine, external, model, slow } from "./_models.ts";

const nothing = { device: 0, session: 0, binding: 0, tensor: 0, value: 0, executor: 0 };

/** A session with years of work in it, which ends only where it is cut short, and a binding for it. */
async function heavy(device: Device) {
  const session = await device.createSession(slow(1e15, 64));
  const x = device.createTensor("float32", [64, 64]);
  return { session, binding: session.createBinding().input("x", x).outputOnHost("y") };
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("session.run() leaves the event loop free", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const { session, binding } = await heavy(device);
  const controller = new AbortController();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const run = session.run(binding, { signal: controller.signal }).catch(() => {});
  await after(100);
  clearInterval(timer);
  controller.abort();
  await run;
  assert(ticks >= 5, `${ticks} ticks in 100 ms`);
});

Deno.test("session.run() is ended by an abort, before, while waiting and during", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const { session, binding } = await heavy(device);
  const reason = new Error("enough");
  await assertRejects(
    () => session.run(binding, { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );

  const [first, second] = [new AbortController(), new AbortController()];
  const running = session.run(binding, { signal: first.signal });
  const waiting = session.run(binding, { signal: second.signal });
  await after(30);
  second.abort(reason);
  assertEquals(await waiting.catch((error) => error), reason, "at once, not after the first");
  first.abort(reason);
  assertEquals(await running.catch((error) => error), reason);

  const other = await device.createSession(affine());
  const x = device.createTensor("float32", [1]);
  const y = device.createTensor("float32", [1]);
  const signal = new AbortController().signal;
  await other.run(other.createBinding().input("x", x).output("y", y), { signal });
  assertEquals(y.data[0], 0.5, "the device goes on");
});

Deno.test("createSession() is given up before and while it waits", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const reason = new Error("enough");
  await assertRejects(
    () => device.createSession(affine(), { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  const controller = new AbortController();
  const loading = device.createSession(affine(), { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await loading.catch((error) => error), reason);
  assertEquals(liveHandles().session, 0);
});

Deno.test("createSession() is given up while the graph is being loaded", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const first = await device.createSession(affine());
  const names = Array.from({ length: 5001 }, (_, i) => `v${i}`);
  const long = model({
    inputs: [["v0", "float32", ["n"]]],
    outputs: [["v5000", "float32", ["n"]]],
    nodes: names.slice(1).map((out, i) => ({ op: "Sin", in: [names[i]!], out: [out] })),
  });
  const reason = new Error("enough");
  const controller = new AbortController();
  const loading = device.createSession(long, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 10);
  assertEquals(await loading.catch((error) => error), reason);
  await first[Symbol.asyncDispose]();
  assertEquals(liveHandles().session, 0);
});

Deno.test("device[Symbol.asyncDispose]() waits for the run that goes on", async () => {
  const device = await openDevice("cpu", { threads: 1 });
  const session = await device.createSession(slow(3000, 64));
  const x = device.createTensor("float32", [64, 64]);
  const y = device.createTensor("float32", [64, 64]);
  y.data.fill(1);
  const data = y.data;
  let finished = false;
  const run = session.run(session.createBinding().input("x", x).output("y", y))
    .then(() => {
      assertEquals(data[0], 0, "written, and not yet freed");
      finished = true;
    });
  await device[Symbol.asyncDispose]();
  assert(finished);
  await run;
  assertEquals(data.length, 0, "freed memory is not looked at");
  assertEquals(liveHandles(), nothing);
});

Deno.test("two cpu devices run side by side", async () => {
  await using a = await openDevice("cpu", { threads: 1 });
  await using b = await openDevice("cpu", { threads: 1 });
  const controller = new AbortController();
  const { session, binding } = await heavy(a);
  const run = session.run(binding, { signal: controller.signal }).catch(() => "ended");
  const other = await b.createSession(affine());
  // Host memory is everyone's: one device's tensor may be the other's input.
  const x = a.createTensor("float32", [1]);
  const y = b.createTensor("float32", [1]);
  await other.run(other.createBinding().input("x", x).output("y", y));
  assertEquals(y.data[0], 0.5, "while the first is still at work");
  controller.abort();
  assertEquals(await run, "ended");
});

Deno.test("tensor memory outlives its device while another's binding names it", async () => {
  await using b = await openDevice("cpu", { threads: 1 });
  const session = await b.createSession(affine());
  const y = b.createTensor("float32", [2]);
  const binding = session.createBinding().output("y", y);
  {
    await using a = await openDevice("cpu", { threads: 1 });
    const x = a.createTensor("float32", [2]);
    x.data.set([1, 2]);
    binding.input("x", x);
  }
  await session.run(binding);
  assertEquals(y.data, new Float32Array([3.5, 6.5]));
});

Deno.test("createSession() reads external initializers from the folder, or says which is missing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const values = new Float32Array([1, 2, 3, 4]);
    const file = new Uint8Array(5 + 16);
    file.set(new Uint8Array(values.buffer), 5);
    await Deno.writeFile(`${folder}/weights.bin`, file);
    const bytes = (location: string) =>
      model({
        inputs: [["x", "float32", [4]]],
        outputs: [["y", "float32", [4]]],
        nodes: [{ op: "Add", in: ["x", "w"], out: ["y"] }],
        initializers: [external("w", "float32", [4], { location, offset: 5, length: 16 })],
      });
    await using device = await openDevice("cpu", { threads: 1 });
    for (const prepack of [true, false]) {
      const session = await device.createSession(bytes("weights.bin"), {
        externalFolder: folder,
        prepack,
      });
      const x = device.createTensor("float32", [4]);
      const binding = session.createBinding().input("x", x).outputOnHost("y");
      await session.run(binding);
      assertEquals(binding.take("y").data, values);
    }
    await assertRejects(
      () => device.createSession(bytes("absent.bin"), { externalFolder: folder }),
      OrtError,
      "absent.bin",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("createSession() takes sizes for symbolic axes", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  const session = await device.createSession(affine(), { freeDimensions: { n: 3 } });
  assertEquals(session.inputs[0]!.shape, [3]);
});

Deno.test("session.endProfiling() gives the file with the operators' times", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using device = await openDevice("cpu", { threads: 1 });
    const session = await device.createSession(affine(), { profile: `${folder}/run` });
    const x = device.createTensor("float32", [1]);
    await session.run(session.createBinding().input("x", x).outputOnHost("y"));
    const path = await session.endProfiling();
    assert(path.startsWith(`${folder}/run`) && path.endsWith(".json"), path);
    const events: { args?: { op_name?: string } }[] = JSON.parse(await Deno.readTextFile(path));
    assert(events.some((event) => event.args?.op_name === "Mul"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("tensor.data refuses what is not on the host, and openDevice() unknown names", async () => {
  for (const name of ["gpu", "cuda:", "cuda:x", "cpu:0", ""]) {
    await assertRejects(
      () => openDevice(name),
      TypeError,
      `cannot open device ${name}: expected cpu, webgpu, cuda or cuda:n`,
    );
  }
  for (const threads of [0, 1.5, -1, NaN]) {
    await assertRejects(() => openDevice("cpu", { threads }), RangeError, `got ${threads}`);
  }
  assertEquals(liveHandles(), nothing);
});

Deno.test("createTensor() refuses sizes that are none", async () => {
  await using device = await openDevice("cpu", { threads: 1 });
  assertThrows(() => device.createTensor("float32", [2, -1]), RangeError, "[2, -1]");
  assertThrows(() => device.createTensor("float32", [1.5]), RangeError, "[1.5]");
  assertEquals(liveHandles().tensor, 0);
});
