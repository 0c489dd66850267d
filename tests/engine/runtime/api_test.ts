import { assert, assertEquals, assertThrows } from "@std/assert";
import { apiVersion, type Entry, table } from "../../../engine/runtime/_api.ts";
import { openEnvironment } from "../../../engine/runtime/_core.ts";
import { availableProviders } from "../../../engine/runtime/_signature.ts";
import { openNative, out, readHandles, readText, text } from "../../../engine/runtime/_native.ts";
import { findLibrary, LibraryError, OrtError } from "../../../engine/runtime/mod.ts";

const path = findLibrary().path;

Deno.test("openNative() opens the version the table is of", () => {
  assertEquals(openNative(path).version, `1.${apiVersion}.0`);
  assert(openNative(path) === openNative(path), "once a thread");
});

Deno.test("openNative() refuses a file that is another library, or none", () => {
  assertThrows(
    () => openNative("/nowhere/libonnxruntime.so"),
    LibraryError,
    "cannot open /nowhere",
  );
  const text = import.meta.filename!;
  assertThrows(
    () => openNative(text),
    LibraryError,
    `cannot open ${text} as ONNX Runtime's library`,
  );
});

Deno.test("table has every slot once", () => {
  const entries: [string, Entry][] = Object.entries(table);
  const slots = entries.map(([, entry]) => entry.slot);
  assertEquals(slots, [...new Set(slots)].sort((a, b) => a - b), "in order, none twice");
  for (const [name, { result }] of entries) {
    assertEquals(
      result === "void",
      name.startsWith("Release") && name !== "ReleaseAvailableProviders",
      name,
    );
  }
});

Deno.test("table's slots hold what they are named for", () => {
  // Calls whose answers no neighbour in the table would give.
  const { native, env, hostInfo, hostAllocator } = openEnvironment();
  assert(env !== 0n && hostInfo !== 0n && hostAllocator !== 0n);
  assert(availableProviders({ native }).includes("CPUExecutionProvider"));

  const handle = out();
  native.call("CreateSessionOptions", handle);
  const options = handle[0]!;
  native.call("AddSessionConfigEntry", options, text("session.disable_prepacking"), text("1"));
  native.call("AddFreeDimensionOverrideByName", options, text("n"), 3n);
  assertThrows(
    () => native.call("AddSessionConfigEntry", options, text(""), text("1")),
    OrtError,
    "AddSessionConfigEntry failed with INVALID_ARGUMENT",
  );
  assertThrows(
    () => native.call("SetSessionGraphOptimizationLevel", options, 77),
    OrtError,
    "SetSessionGraphOptimizationLevel failed with INVALID_ARGUMENT",
  );
  native.call("ReleaseSessionOptions", options);

  const [devices, count] = [out(), out()];
  native.call("GetEpDevices", env, devices, count);
  const names = readHandles(devices[0]!, Number(count[0]!))
    .map((device) => readText(native.call("EpDevice_EpName", device)));
  assert(names.includes("CPUExecutionProvider"), names.join());
});

Deno.test("native.call() throws a bad status with function, code and words", () => {
  const { native, env } = openEnvironment();
  const error = assertThrows(
    () => native.call("CreateSessionFromArray", env, new Uint8Array(3), 3, 0n, out()),
    OrtError,
  );
  assertEquals(error.function, "CreateSessionFromArray");
  assert(error.code !== "OK" && error.code !== "UNKNOWN", error.code);
  assertEquals(
    error.message,
    `ONNX Runtime's CreateSessionFromArray failed with ${error.code}: ${error.detail}`,
  );
});
