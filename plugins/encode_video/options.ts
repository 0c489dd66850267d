import { z } from "zod";

export const encodeVideoOptions = z.object({
  path: z.string().min(1).optional().describe(
    "File to write; its extension chooses the container. For PNG a folder, or a pattern such as " +
      "frames/%05d.png. Left out: the media is given as bytes and nothing touches the disk",
  ),
  container: z.enum(["mp4", "webm", "gif", "webp", "png"]).optional().describe(
    "Container; by default the one that the path's extension names, else mp4",
  ),
  codec: z.enum(["h264", "hevc", "av1", "vp9"]).optional().describe(
    "Video codec of MP4 and WebM; by default h264 in MP4 and vp9 in WebM",
  ),
  fps: z.number().positive().max(240).default(16).describe("Pictures a second, up to 240"),
  crf: z.number().min(0).max(63).optional().describe(
    "Constant quality, lower is better: 0-51 for h264 (20) and hevc (22), 0-63 for av1 (28) and vp9 (28)",
  ),
  preset: z.string().min(1).optional().describe(
    "Speed against size, as text in the encoder's own terms: ultrafast … veryslow for h264 (veryfast) and " +
      "hevc (veryfast), 0-13 for av1 (10), 0-8 for vp9 (6), p1-p7 for NVENC (p4)",
  ),
  encoder: z.enum(["auto", "software", "nvenc"]).default("auto").describe(
    "auto takes NVENC on a CUDA device that has it and software elsewhere",
  ),
  threads: z.number().int().min(1).max(64).optional().describe(
    "Threads of the encoder; by default what the pipeline grants",
  ),
  fragmented: z.boolean().optional().describe(
    "With a path, also give the stream's parts while the file grows, and write the file in the " +
      "same form. Without a path MP4 and WebM are always given so",
  ),
  keyInterval: z.number().int().min(1).optional().describe(
    "Pictures from one key frame to the next, at most; by default 48 in a file. In a stream keys " +
      "stand at the beginning of chunks, and by default each chunk begins with one",
  ),
  overwrite: z.boolean().default(true).describe("Whether an existing file may be replaced"),
  metadata: z.boolean().default(true).describe(
    "Write the prompt (title) and a JSON comment with prompts, seed and label into the file",
  ),
  label: z.string().optional().describe(
    "Name of the configuration, for the metadata's comment",
  ),
  loop: z.number().int().min(0).max(65535).default(0).describe(
    "How often a GIF is played; 0 = forever",
  ),
  quality: z.number().min(0).max(100).default(80).describe(
    "Quality of animated WebP, 0-100; 100 is lossless",
  ),
});

/**
 * The schema of the options.
 *
 * @internal
 */
export type EncodeVideoSchema = typeof encodeVideoOptions;

export type EncodeVideoOptions = z.output<typeof encodeVideoOptions>;
