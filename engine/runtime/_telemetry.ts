/**
 * ONNX Runtime's own reports home. Its official builds from 1.29 on send what models and machine they run on to
 * Microsoft, keep an identifier of the machine in the user's cache, and ask `blkid` for one (docs/Privacy.md of
 * microsoft/onnxruntime). Sluice sends nothing: they are turned off before the library begins.
 */

/** The C library, where the system is no Windows. */
export const systemLibrary = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";

const variable = "ORT_DISABLE_TELEMETRY";

/**
 * Turns the reports off for this process, unless the user has set the variable. Must come before the library is
 * opened. On Windows there is nothing to do here: `DisableTelemetryEvents` does it, and nothing is sent unless
 * somebody records.
 */
export function turnTelemetryOff(): void {
  if (Deno.build.os === "windows") return;
  try {
    // By the C library, since it needs no permission but the one that the runtime needs anyway.
    const libc = Deno.dlopen(systemLibrary, {
      setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
    });
    const text = (value: string) => new TextEncoder().encode(`${value}\0`);
    libc.symbols.setenv(text(variable), text("1"), 0);
    libc.close();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    // A system whose C library has another name; a variable of the environment is the same.
    if (Deno.env.get(variable) === undefined) Deno.env.set(variable, "1");
  }
}
