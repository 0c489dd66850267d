import { assert, assertEquals } from "@std/assert";
import { Graph, mul, writeModel } from "../../../engine/onnx/mod.ts";
import { type Core, openEnvironment } from "../../../engine/runtime/_core.ts";
import { openDevice } from "../../../engine/runtime/mod.ts";
import { sessionOptions } from "../../../engine/runtime/_session_options.ts";

Deno.test("sessionOptions() lets no session plan a second block of memory, on any device", async () => {
  const environment = openEnvironment();
  const called: string[] = [];
  const native = new Proxy(environment.native, {
    get(target, key) {
      if (key !== "call") return Reflect.get(target, key, target);
      // deno-lint-ignore no-explicit-any
      return (name: any, ...args: any[]) => {
        called.push(name);
        // deno-lint-ignore no-explicit-any
        return (target.call as any)(name, ...args);
      };
    },
  });
  const appendProvider = () => Promise.resolve(void called.push("the provider"));
  const core = { ...environment, native, threads: 1, spin: false, appendProvider };
  const handle = await sessionOptions(core as unknown as Core, {});
  environment.native.call("ReleaseSessionOptions", handle);
  assertEquals(called.filter((name) => name === "DisableMemPattern").length, 1);
  assertEquals(called.at(-1), "the provider");
});

Deno.test("createSession() keeps a run's memory for the next, or gives it back", async () => {
  const megabytes = 256;
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [megabytes * 2 ** 18]);
  // The inner product is memory of the run; what comes of it, and what it comes of, are bound.
  graph.output("y", mul(mul(x, 2), 3));
  await using device = await openDevice("cpu", { threads: 1 });
  const data = device.createTensor("float32", [megabytes * 2 ** 18]);
  const held = async (keepMemory: boolean) => {
    await using session = await device.createSession(writeModel(graph), {
      keepMemory,
      optimization: "none",
    });
    using binding = session.createBinding();
    binding.input("x", data).output("y", data);
    const before = Deno.memoryUsage().rss;
    await session.run(binding);
    return (Deno.memoryUsage().rss - before) / 2 ** 20;
  };
  await data.write(new Float32Array(megabytes * 2 ** 18));
  const [kept, given] = [await held(true), await held(false)];
  data[Symbol.dispose]();
  assert(kept > megabytes / 2, `expected it to be kept, got ${kept} MiB more`);
  assert(given < megabytes / 2, `expected it to be given back, got ${given} MiB more`);
});
