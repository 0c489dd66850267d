import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../pipeline/errors.ts";
import { inspectDevices, planCuda } from "../../plugins/devices.ts";

Deno.test("inspectDevices() asks what it is told to, and names an adapter where webgpu works", async () => {
  const report = await inspectDevices(["cpu", "webgpu"]);
  assertEquals(report.devices.map(({ device }) => device), ["cpu", "webgpu"]);
  assertEquals(report.devices[0]!.available, true);
  // Not every adapter has a name.
  assert(report.adapter === undefined || report.devices[1]!.available);
  if (report.devices[1]!.available && Deno.env.get("VK_DRIVER_FILES")?.includes("swiftshader")) {
    assertStringIncludes(report.adapter ?? "", "SwiftShader");
  }
  assert(report.cuda !== undefined);
  const none = await inspectDevices([]);
  assertEquals([none.devices, none.adapter], [[], undefined]);
});

Deno.test({
  name: "planCuda() makes a UserError of what the user can mend",
  ignore: Deno.build.os === "darwin",
  async fn() {
    await assertRejects(() => planCuda("nowhere"), UserError, "cannot use the package index");
  },
});
