import { type FilterContext, FilterGraph, Frame } from "node-av/lib";
import { AV_PIX_FMT_RGB24 } from "node-av/constants";
import { check, isDry } from "./_native.ts";
import { PictureConverter } from "./picture.ts";

/**
 * Gives pictures a palette of 256 colours that they share. FFmpeg's palette filters hold every
 * picture until the last has come, so this is made for one chunk: an endless run needs no more memory.
 *
 * @param pictures RGB bytes, each `[height, width, 3]` row by row
 * @yields one frame with palette a picture; freed when the next is asked for
 */
export async function* withPalette(
  pictures: readonly Uint8Array[],
  width: number,
  height: number,
): AsyncGenerator<Frame> {
  using graph = new FilterGraph();
  using converter = new PictureConverter(width, height, AV_PIX_FMT_RGB24);
  graph.alloc();
  graph.nbThreads = 1;
  check(
    graph.parse2(
      `buffer@source=video_size=${width}x${height}:pix_fmt=rgb24:time_base=1/1:pixel_aspect=1/1` +
        ":colorspace=gbr:range=pc," +
        "split[pictures][colours];[colours]palettegen=reserve_transparent=0[palette];" +
        "[pictures][palette]paletteuse=dither=bayer:bayer_scale=4,buffersink@sink",
    ),
    "Cannot make the palette's filters",
  );
  check(await graph.config(), "Cannot connect the palette's filters");
  const source = find(graph, "buffer@source");
  const sink = find(graph, "buffersink@sink");
  for (const [i, picture] of pictures.entries()) {
    using frame = await converter.convert(picture);
    frame.pts = BigInt(i);
    check(await source.buffersrcAddFrame(frame), "Cannot collect the colours of a picture");
  }
  check(await source.buffersrcAddFrame(null), "Cannot make a palette");
  while (true) {
    using frame = new Frame();
    frame.alloc();
    const status = await sink.buffersinkGetFrame(frame);
    if (isDry(status)) return;
    check(status, "Cannot apply a palette");
    yield frame;
  }
}

function find(graph: FilterGraph, name: string): FilterContext {
  const filter = graph.getFilter(name);
  if (filter === null) throw new Error(`The FFmpeg in use has no filter ${name}.`);
  return filter;
}
