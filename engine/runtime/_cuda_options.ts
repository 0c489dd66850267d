/** Settings of the CUDA provider: one table, with what each is good for and where that is known from. */

/** What a session may ask of its provider. */
export interface ProviderSettings {
  /** See `SessionOptions.tf32`. */
  readonly tf32?: boolean | undefined;
}

/**
 * Keys and values that both forms of the provider know (core/providers/cuda/cuda_execution_provider_info.cc and
 * plugin/cuda_ep_factory.cc of microsoft/onnxruntime).
 */
export function cudaOptions({ tf32 = false }: ProviderSettings): Readonly<Record<string, string>> {
  return {
    // TF32 keeps 10 bits of a float32 product's 23: float32 graphs are asked for their precision. Convolutions of
    // every type are kept off the tensor cores by 0 (nn/conv.cc, CreateCudnnFeExecutionPlan).
    use_tf32: tf32 ? "1" : "0",
    // The default, EXHAUSTIVE, asks cuDNN longer for each convolution's first shape and gains nothing after that: on an
    // H200 with version 1.29, 148 ms and 17 ms for a new shape, 5.9 ms and 4.9 ms for one seen before
    // (sgl-project/sglang-omni#2176; what the words mean to cuDNN: microsoft/onnxruntime#22705).
    cudnn_conv_algo_search: "HEURISTIC",
  };
}

/** All that the bridge is told for card `index`. */
export function bridgeOptions(
  index: number,
  settings: ProviderSettings,
): Readonly<Record<string, string>> {
  return {
    device_id: String(index),
    // Every session has an arena of its own, which never shrinks: by powers of two each may hold a gigabyte or so that
    // nobody uses.
    arena_extend_strategy: "kSameAsRequested",
    ...cudaOptions(settings),
  };
}
