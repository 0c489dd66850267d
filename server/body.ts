/** Reading what a client sends, without trusting it. */
import type { z } from "zod";
import { fieldsProblem, ProblemError } from "./problem.ts";

/** Bytes of a body at most. */
export const LARGEST_BODY = 64 * 1024;

/** Lists and objects within each other at most. */
const DEEPEST = 16;

/** The bytes of a body; one that is too large is left unread. */
export async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > LARGEST_BODY) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  // What is declared may be a lie, and a chunked body declares nothing.
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > LARGEST_BODY) throw tooLarge();
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * A body of JSON that has the form of `schema`.
 *
 * @throws {ProblemError} 413, 415, 400 or 422.
 */
export async function readBody<T extends z.ZodType>(
  request: Request,
  schema: T,
): Promise<z.output<T>> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new ProblemError(
      "media-type",
      `Expected a body of application/json, got ${type || "none"}.`,
    );
  }
  const bytes = await readBytes(request);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProblemError("bad-request", "The body is no valid JSON in UTF-8.", { cause });
  }
  return check(value, schema);
}

/** The query of an address, in the form of `schema`. */
export function readQuery<T extends z.ZodType>(url: URL, schema: T): z.output<T> {
  const query: Record<string, string> = Object.create(null);
  for (const [key, value] of url.searchParams) {
    if (key in query) throw new ProblemError("bad-request", "A parameter is given twice.");
    query[key] = value;
  }
  return check({ ...query }, schema);
}

/** `value` in the form of `schema`. */
export function check<T extends z.ZodType>(value: unknown, schema: T): z.output<T> {
  if (depthOf(value) > DEEPEST) {
    throw new ProblemError("bad-request", `The body is nested more than ${DEEPEST} levels deep.`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw fieldsProblem(result.error);
}

/** Levels of lists and objects, counted without recursion and no further than needed. */
function depthOf(value: unknown): number {
  let level = [value];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.values(each) : []
    );
    if (level.length === 0) return depth;
  }
  return DEEPEST + 1;
}

function tooLarge(): ProblemError {
  return new ProblemError("too-large", `Expected a body of at most ${LARGEST_BODY} bytes.`);
}
