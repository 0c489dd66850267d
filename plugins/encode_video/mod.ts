import { definePlugin } from "../../pipeline/define.ts";
import type { Plugin } from "../../pipeline/plugin.ts";
import { encodeVideoOptions, type EncodeVideoSchema } from "./options.ts";

/**
 * Turns pictures into a video: H.264, HEVC, AV1 or VP9 in MP4 or WebM, an animated GIF or WebP, or
 * numbered PNG pictures.
 *
 * With `path` the whole goes to a file, written under a temporary name beside it and renamed when it
 * is complete. Without one nothing touches the disk: MP4 and WebM leave as a stream, `init` and then
 * one `segment` a chunk of pictures; GIF and WebP as one `file`, PNG as one `file` a picture.
 *
 * Leave `codec` and `container` out where the path should decide: a container that the path's
 * extension contradicts is refused.
 */
const encodeVideo: Plugin<"frames", "media", EncodeVideoSchema> = definePlugin({
  name: "encode-video",
  summary: "Encodes pictures as MP4, WebM, GIF, animated WebP or PNG: a file, or a live stream.",
  takes: "frames",
  gives: "media",
  options: encodeVideoOptions,
  async create(options, context) {
    const { createEncodeVideo } = await import("./stage.ts");
    return await createEncodeVideo(options, context);
  },
});

export default encodeVideo;
