/** What taking files out of a wheel is told, what it tells, and where they lie meanwhile. */

import type { IndexFile, WheelNeed } from "./_index.ts";
import {
  DownloadError,
  type FetchOptions,
  type RequestOptions,
  requestOptions,
} from "./_requests.ts";
import type { WheelMember } from "./_wheel_zip.ts";

/** What to take out of which wheel. */
export interface WheelRequest extends WheelNeed {
  /** Address of the index's simple API, such as `https://pypi.org/simple`; may hold a name and a password. */
  readonly index: string;
  /** Paths in the wheel of what must be in it. Each file lands under the last part of its path. */
  readonly members: readonly string[];
  /** Paths of what is taken too where it is there, such as a licence. */
  readonly extras: readonly string[];
  /** Folder that the files are in at the end. It appears, or is replaced, once all of them are checked. */
  readonly folder: string;
}

/** How files are fetched. */
export interface WheelOptions extends FetchOptions {
  /** Whether the whole wheel is fetched though parts would do. Default: false. */
  readonly whole?: boolean;
  /** Told what happens. */
  readonly onEvent?: (event: WheelEvent) => void;
}

/** What happens. `file` is a member's last name, or the wheel's. */
export type WheelEvent =
  | { readonly type: "bytes"; readonly file: string; readonly count: number; readonly done: number }
  | {
    readonly type: "wait";
    readonly file: string;
    readonly reason: string;
    readonly milliseconds: number;
  }
  /** All of it has come; it is being unpacked and checked. */
  | { readonly type: "unpack"; readonly file: string; readonly bytes: number };

/** What fetching would do. */
export interface WheelPlan {
  /** What was asked for. */
  readonly request: WheelRequest;
  /** The wheel on the index. */
  readonly wheel: IndexFile;
  /** What is fetched by parts of the wheel; undefined where the wheel comes whole. */
  readonly wanted: readonly WheelMember[] | undefined;
  /** Bytes still to come; undefined where nobody says. */
  readonly coming: number | undefined;
  /** Bytes of the files unpacked; undefined where that is known once the wheel is here. */
  readonly unpacked: number | undefined;
}

/** What `installed.json` says beside the files. */
export interface WheelRecord {
  /** Name on the index. */
  readonly project: string;
  /** Version of the project. */
  readonly version: string;
  /** The wheel's file name. */
  readonly wheel: string;
  /** The wheel's address. */
  readonly source: string;
  /** SHA-256 of the whole wheel, as the index has it; null where it says none. */
  readonly sha256: string | null;
  /** Whether that was checked (`whole`), or the members' own sums in the wheel (`parts`). */
  readonly checked: "whole" | "parts";
  /** The files by name. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  /** ISO 8601. */
  readonly installed: string;
}

/** Name of the record in the folder. */
export const recordName = "installed.json";

/** Name of the file that says that a process fetches into the folder. */
export const lockName = "lock";

/** How the index and the wheel are asked for. */
export function wheelRequests(options: WheelOptions, inner: typeof fetch): RequestOptions {
  return requestOptions({ attempts: 5, ...options, fetch: inner });
}

/** Where a member, or the wheel, waits until it is whole and unpacked. */
export function packedPlace({ folder }: WheelRequest, path: string): string {
  return `${folder}.part/${nameOf(path)}.packed`;
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Where a member is, unpacked and checked, until all are. */
export function unpackedPlace({ folder }: WheelRequest, path: string): string {
  return `${folder}.part/${nameOf(path)}`;
}

/** Another wheel's beginnings have another name. */
export function wheelMark({ sha256, name }: IndexFile): { readonly etag: string } {
  return { etag: sha256 ?? name };
}

/** Tells of waits. */
export function waiting({ project }: WheelRequest, { onEvent }: WheelOptions, file = project) {
  return (reason: string, milliseconds: number) =>
    onEvent?.({ type: "wait", file, reason, milliseconds });
}

/** The members to take; throws a `DownloadError` where one is not there. */
export function pick(
  members: readonly WheelMember[],
  { members: needed, extras }: WheelRequest,
  wheel: string,
): WheelMember[] {
  const find = (path: string) => members.find((member) => member.path === path);
  const missing = needed.filter((path) => find(path) === undefined);
  if (missing.length > 0) {
    throw new DownloadError(`${wheel} has no ${missing.join(" and no ")} in it.`);
  }
  return [...needed, ...extras].flatMap((path) => find(path) ?? []);
}
