import { FFmpegError, Log } from "node-av/lib";
import { AV_LOG_QUIET, AVERROR_EAGAIN, AVERROR_ENOSPC, AVERROR_EOF } from "node-av/constants";

/** Silences FFmpeg, which would print to the terminal past the command line's own output. */
export function quiet(): void {
  Log.setLevel(AV_LOG_QUIET);
  // SVT-AV1 prints on its own: 1 leaves its errors.
  const name = "SVT_LOG";
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  if (state === "granted" && Deno.env.get(name) === undefined) Deno.env.set(name, "1");
}

/**
 * The one gate for FFmpeg's status codes: gives non-negative ones back.
 * @throws {Error} with what could not be done and FFmpeg's own words
 */
export function check(status: number, what: string): number {
  if (status >= 0) return status;
  const wayOut = status === AVERROR_ENOSPC ? " Free some room, or write elsewhere." : "";
  throw new Error(`${what}: ${FFmpegError.strerror(status)} (FFmpeg status ${status}).${wayOut}`);
}

/** Whether a codec has nothing to give now (more input, please) or at all. */
export function isDry(status: number): boolean {
  return status === AVERROR_EAGAIN || status === AVERROR_EOF;
}
