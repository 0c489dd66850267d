/** What `doctor` tells. */

/** Whether one thing is there. */
export interface Finding {
  /** Such as `webgpu`, `embedded model`. */
  readonly name: string;
  /** `missing` is a fault; `absent` only means that something optional is not there. */
  readonly state: "ok" | "absent" | "missing";
  /** What was found, or why not. */
  readonly detail: string;
  /** What to do about it, where something can be done. */
  readonly remedy?: string;
}

/** What the engine finds on this machine. It probes devices; a probe that fails is a finding. */
export interface Diagnosis {
  /** Libraries by name, such as `onnxruntime` and `FFmpeg`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly devices: readonly Finding[];
  /** Native libraries, by where they are. */
  readonly libraries: readonly Finding[];
  /** Files the program brings along. */
  readonly assets: readonly Finding[];
}
