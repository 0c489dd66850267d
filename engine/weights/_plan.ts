/** What pulling models is told, what it tells, and what it is about to do. */

import type { HubEnvironment, RemoteFile } from "./_hub.ts";
import type { ModelFile, PublishedModel } from "./registry.ts";

/** How models are pulled. */
export interface PullOptions {
  /** Folder of models. */
  readonly folder: string;
  /** The hub's variables: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` … */
  readonly environment?: HubEnvironment;
  /** Files at once, from 1. Default: 3. */
  readonly parallel?: number;
  /** Whether files that are there, or begun, are fetched anew. Default: false. */
  readonly restart?: boolean;
  /** Ends it; what has come stays. */
  readonly signal?: AbortSignal;
  /** Bytes that are free on the disk of a folder that may not be there yet; undefined where nobody knows. */
  readonly freeSpace?: (folder: string) => Promise<number | undefined>;
  /** Told what happens. */
  readonly onEvent?: (event: PullEvent) => void;
  /** For tests. */
  readonly fetch?: typeof fetch;
  /** Attempts in a row that bring nothing before giving up. Default: 6. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled with each further one. Default: 1,000. */
  readonly pause?: number;
  /** Milliseconds that a server may ask to wait. Default: 300,000. */
  readonly patience?: number;
  /** Milliseconds without a byte after which a connection counts as dead. Default: 60,000. */
  readonly idle?: number;
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
