import { assertEquals } from "@std/assert";
import { pipe } from "../../pipeline/mod.ts";
import { counting, mapping } from "./_numbers.ts";

Deno.test("pipe() runs numbers through stages in order", async () => {
  const log: string[] = [];
  const pipeline = pipe(counting(3, log), mapping("double", (n) => n * 2, log));
  {
    await using open = await pipeline.open();
    assertEquals(await Array.fromAsync(open.run(10)), [20, 22, 24]);
    assertEquals(await Array.fromAsync(open.run(1)), [2, 4, 6]);
  }
  assertEquals(log.slice(-2), ["double freed", "count freed"]);
});
