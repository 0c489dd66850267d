import { assertEquals } from "@std/assert";
import { type Core, openEnvironment } from "../../../engine/runtime/_core.ts";
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
