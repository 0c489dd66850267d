/** What pulling models is told, what it tells, and what it is about to do. */

import type { HubEnvironment, RemoteFile } from "./_hub.ts";
import type { FetchOptions } from "./_requests.ts";
import type { ModelFile, PublishedModel } from "./registry.ts";

/** How models are pulled. */
export interface PullOptions extends FetchOptions {
  /** Folder of models. */
  readonly folder: string;
  /** The hub's variables: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` … */
  readonly environment?: HubEnvironment;
  /** Files at once, from 1. Default: 3. */
  readonly parallel?: number;
  /** Told what happens. */
  readonly onEvent?: (event: PullEvent) => void;
}

/** What happens while models are pulled. `file` is the path below the folder of models. */
export type PullEvent =
  | { readonly type: "bytes"; readonly file: string; readonly count: number; readonly done: number }
  | {
    readonly type: "wait";
    readonly file: string;
    readonly reason: string;
    readonly milliseconds: number;
  }
  | {
    readonly type: "done";
    readonly file: string;
    readonly bytes: number;
    /** `cached`: it was in the hub's cache on this machine. */
    readonly from: "there" | "cached" | "fetched";
  };

/** One file of a plan. */
export interface PlannedFile {
  /** The model it belongs to. */
  readonly model: PublishedModel;
  /** The file as the registry has it. */
  readonly file: ModelFile;
  /** Below the folder of models. */
  readonly name: string;
  /** Where it is, or will be. */
  readonly path: string;
  /** `kept`: somebody put a file there, and it is looked at before it is taken for the published one. */
  readonly state: "there" | "kept" | "missing";
  /** Where it is fetched from. */
  readonly address: string;
  /** What is known of it, from the registry and, if asked, from the server. */
  readonly expected: RemoteFile;
  /** Bytes of it that are here already. */
  readonly begun: number;
}
