import { assertEquals, assertRejects } from "@std/assert";
import { type Core, openEnvironment } from "../../../engine/runtime/_core.ts";
import {
  bridgeOptions,
  cudaOptions,
  type ProviderSettings,
} from "../../../engine/runtime/_cuda_options.ts";
import { sessionOptions } from "../../../engine/runtime/_session_options.ts";

Deno.test("bridgeOptions() keeps float32 exact unless asked, arenas small and the first run short", () => {
  assertEquals(bridgeOptions(1, {}), {
    device_id: "1",
    arena_extend_strategy: "kSameAsRequested",
    use_tf32: "0",
    cudnn_conv_algo_search: "HEURISTIC",
  });
  assertEquals(bridgeOptions(0, { tf32: true })["use_tf32"], "1");
});

Deno.test("cudaOptions() has no key that the plugin does not read", () => {
  assertEquals(Object.keys(cudaOptions({})), ["use_tf32", "cudnn_conv_algo_search"]);
  assertEquals(cudaOptions({ tf32: true })["use_tf32"], "1");
});

/** A core without threads or provider, enough to make options. */
function coreWith(appendProvider: Core["appendProvider"]): Core {
  const core = { ...openEnvironment(), threads: 1, spin: false, appendProvider };
  return core as unknown as Core;
}

Deno.test("sessionOptions() tells the provider what the session asks of it", async () => {
  const { native } = openEnvironment();
  const told: (ProviderSettings | undefined)[] = [];
  const core = coreWith((_, settings) => {
    told.push(settings);
    return Promise.resolve();
  });
  for (const options of [{}, { tf32: true }]) {
    native.call("ReleaseSessionOptions", await sessionOptions(core, options));
  }
  assertEquals(told.map((settings) => settings?.tf32), [undefined, true]);
});

Deno.test("sessionOptions() leaves nothing where the provider refuses", async () => {
  const core = coreWith(() => Promise.reject(new Error("no card")));
  const released: string[] = [];
  const native = new Proxy(core.native, {
    get(target, key) {
      if (key !== "call") return Reflect.get(target, key, target);
      // deno-lint-ignore no-explicit-any
      return (name: any, ...args: any[]) => {
        if (name.startsWith("Release")) released.push(name);
        // deno-lint-ignore no-explicit-any
        return (target.call as any)(name, ...args);
      };
    },
  });
  await assertRejects(() => sessionOptions({ ...core, native }, {}), Error, "no card");
  assertEquals(released, ["ReleaseSessionOptions"]);
});
