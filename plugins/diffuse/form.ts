import { fusedAttentionWorks } from "../../engine/load/mod.ts";
import type { AttentionKind, Precision, WanConfig } from "../../engine/networks/mod.ts";
import type { Device } from "../../engine/runtime/mod.ts";
import type { ReportLoading } from "../_loading.ts";
import { choosePrecision, type WantedPrecision } from "../_precision.ts";

/** How a transformer is loaded, whatever its kind. */
export interface TransformerOptions {
  readonly sizes: WanConfig;
  readonly attention: "auto" | AttentionKind;
  /** Default: `auto`. */
  readonly precision?: WantedPrecision | undefined;
  readonly profile?: string | undefined;
  readonly signal?: AbortSignal;
  /** Told how far loading has come. */
  readonly report?: ReportLoading;
}

/** What its graphs are built with on a device: `auto` is found out by trying. */
export async function formOn(
  device: Device,
  { attention, precision }: Pick<TransformerOptions, "attention" | "precision">,
): Promise<{ readonly attention: AttentionKind; readonly dtype: Precision }> {
  const auto = async () => await fusedAttentionWorks(device) ? "fused" : "composed";
  return {
    attention: attention === "auto" ? await auto() : attention,
    dtype: await choosePrecision(device, precision),
  };
}
