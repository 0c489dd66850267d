/** The name of the graphics card that WebGPU finds. */

/** What of WebGPU in Deno is used here. */
interface Gpu {
  requestAdapter(): Promise<
    {
      readonly info?: { readonly description?: string; readonly device?: string };
    } | null
  >;
}

/**
 * The default adapter as Deno's own WebGPU names it, such as `NVIDIA H100`. ONNX Runtime does not tell which one
 * it takes; on a machine with one card it is the same. Undefined where there is none, or none with a name.
 */
export async function adapterName(): Promise<string | undefined> {
  try {
    const { gpu } = navigator as unknown as { readonly gpu?: Gpu };
    const info = (await gpu?.requestAdapter())?.info;
    return info?.description || info?.device || undefined;
  } catch {
    return undefined;
  }
}
