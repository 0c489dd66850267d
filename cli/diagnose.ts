/** Looks at this machine: the one place where `doctor` meets the engine and its libraries. */
import { fromFileUrl } from "@std/path";
import { type DevicesReport, inspectDevices } from "../mod.ts";
import type { Diagnosis, Finding } from "./diagnosis.ts";
import { size } from "./progress.ts";

/** Devices that are tried. The first must work, the others may. */
const DEVICES = ["cpu", "webgpu", "cuda:0"];

/** The embedded model's files. */
const ASSETS = [
  "config.json",
  "tokenizer.json",
  "text_encoder.safetensors",
  "transformer.safetensors",
  "taehv.safetensors",
];

/** Tries every device once and looks for every library and file. Rejects for nothing it misses. */
export async function diagnose(): Promise<Diagnosis> {
  const [runtime, ffmpeg] = [await inspectDevices(DEVICES), await findFfmpeg()];
  const { library, problem = "" } = runtime;
  return {
    versions: {
      onnxruntime: library?.version ?? "missing",
      ffmpeg: ffmpeg.version ?? "missing",
    },
    devices: runtime.devices.map((device): Finding => {
      const name = device.device;
      if (device.available) return { name, state: "ok", detail: aboutDevice(name, runtime) };
      const { reason, remedy } = device;
      const state = name === DEVICES[0] ? "missing" : "absent";
      // The long list of what to install is `devices list`'s.
      const listed = name.startsWith("cuda") && runtime.cuda?.provider && runtime.cudaRemedies[0];
      const way = listed ? "See: sluice devices list" : remedy;
      return { name, state, detail: reason, ...(way && { remedy: way }) };
    }),
    libraries: [
      library
        ? { name: "onnxruntime", state: "ok", detail: `${library.path} (${library.source})` }
        : { name: "onnxruntime", state: "missing", detail: problem },
      ffmpeg.finding,
    ],
    assets: await Promise.all(ASSETS.map(findAsset)),
  };
}

/** A device that works, and what of it may be found missing later. */
function aboutDevice(name: string, { adapter, cuda }: DevicesReport): string {
  if (name === "webgpu") return adapter ? `works: ${adapter}` : "works";
  const later = name.startsWith("cuda")
    ? cuda?.needs.filter(({ found }) => !found).map(({ library }) => library)
    : [];
  return later?.length ? `works; some operators need ${later.join(", ")} too` : "works";
}

async function findFfmpeg(): Promise<{ version?: string; finding: Finding }> {
  const name = "ffmpeg";
  try {
    const { getFFmpegInfo } = await import("node-av/lib");
    const { version, libraries } = getFFmpegInfo();
    const detail = `in node-av; libavcodec ${libraries.avcodec}`;
    return { version, finding: { name, state: "ok", detail } };
  } catch (error) {
    return { finding: missing(name, error, "run deno install") };
  }
}

async function findAsset(name: string): Promise<Finding> {
  const url = new URL(`../assets/embedded/${name}`, import.meta.url);
  try {
    const file = await Deno.stat(url);
    return { name, state: "ok", detail: size(file.size) };
  } catch (error) {
    const path = fromFileUrl(url);
    return missing(name, error, `restore ${path} from the repository: git checkout -- assets`);
  }
}

/** A thing that is not there; what Deno did not allow is not a matter of installing. */
function missing(name: string, error: unknown, remedy: string): Finding {
  const detail = error instanceof Error ? error.message : String(error);
  const denied = error instanceof Deno.errors.NotCapable;
  return { name, state: "missing", detail, ...(!denied && { remedy }) };
}
