/** What flows between stages: one record a kind, so that a stage is typed by two names. */

/** A wish in words. A later prompt of the same run replaces this one from its next chunk on. */
export interface Prompt {
  /** What to show, in words. */
  readonly text: string;
  /** What not to show; used by samplers with classifier-free guidance. */
  readonly negative?: string;
  /** Seed of the noise, 0 … 2^53 − 1. A stage that draws noise falls back to its own option. */
  readonly seed?: number;
  /** File of a picture that the video begins with, for the stage `encode-picture`. */
  readonly image?: string;
  /** File of a clip that the video goes on from: its last pictures. Excludes `image`. */
  readonly video?: string;
  /**
   * How much of the clip is changed, above 0 and at most 1: the video is then made over the clip, from its first
   * picture on, in place of going on from its end. 1 leaves nothing of it.
   */
  readonly strength?: number;
  /** What takes its place in the course of the video, earliest first; `timeline` makes it of seconds. */
  readonly then?: readonly LaterPrompt[];
}

/** What takes a prompt's place in the course of the video, however fast that is made. */
export interface LaterPrompt {
  /**
   * Number of a picture of the video, from 1, counted as `Frames.first` is: the text is followed from the first
   * chunk on whose pictures begin there or later.
   */
  readonly from: number;
  /** What to show from there on, in words. */
  readonly text: string;
}

/** A prompt as the diffusion model reads it. */
export interface Conditioning {
  /** What the user asked for. */
  readonly prompt: Prompt;
  /** Text embeddings, `[tokens, channels]` row by row; rows of padding are zero. */
  readonly embeddings: Float32Array;
  /** Rows of `embeddings`, padding too. */
  readonly tokens: number;
  /** Numbers in a row of `embeddings`. */
  readonly channels: number;
  /** How many of the rows are text; the others are padding. */
  readonly length: number;
  /** What to keep away from, as `embeddings`; for samplers with classifier-free guidance. */
  readonly negative?: Float32Array;
  /** What the video begins with or is made over. */
  readonly given?: GivenLatents;
  /** What takes its place in the course of the video, earliest first: one for each of `prompt.then`. */
  readonly then?: readonly LaterConditioning[];
}

/** What takes a conditioning's place in the course of the video. */
export interface LaterConditioning extends Omit<Conditioning, "given" | "then"> {
  /** As `LaterPrompt.from` has it. */
  readonly from: number;
}

/** Latent frames that were not made but given, such as those of an image or of a video. */
export interface GivenLatents {
  /** `[frames, channels, height, width]` row by row, normalised as the diffusion model makes them. */
  readonly data: Float32Array;
  /** The axes of `data`; height and width in latent cells. */
  readonly shape: readonly [frames: number, channels: number, height: number, width: number];
  /**
   * As `Prompt.strength`: the video is made over them, and none of them is a part of it. Left out, the video begins
   * with them.
   */
  readonly strength?: number;
}

/** One chunk of latent frames, normalised as the diffusion model makes them. */
export interface Latents {
  /** Place of the chunk in the run, from 0. */
  readonly index: number;
  /** Whether no chunk of the run follows. */
  readonly last: boolean;
  /** `[frames, channels, height, width]` row by row; height and width in latent cells. */
  readonly data: Float32Array;
  /** The axes of `data`; height and width in latent cells. */
  readonly shape: readonly [frames: number, channels: number, height: number, width: number];
  /** The prompt this chunk was made from. */
  readonly prompt: Prompt;
}

/** One chunk of pictures. */
export interface Frames {
  /** Place of the chunk in the run, from 0. */
  readonly index: number;
  /** Whether no chunk of the run follows. */
  readonly last: boolean;
  /** RGB bytes, `[frames, height, width, 3]` row by row. */
  readonly data: Uint8Array;
  /** The axes of `data`; height and width in pixels. */
  readonly shape: readonly [frames: number, height: number, width: number, channels: 3];
  /** Number of the first picture in the run, from 0; a player turns it into seconds by its rate. */
  readonly first: number;
  /** The prompt this chunk was made from. */
  readonly prompt: Prompt;
}

/** Encoded bytes: a piece of a stream, or the whole. */
export interface Media {
  /** `init` opens a stream, `segment`s follow it, `file` stands alone and is finished. */
  readonly part: "init" | "segment" | "file";
  /** MIME type with codecs, such as `video/mp4; codecs="avc1.64000a"`. */
  readonly type: string;
  /** The bytes; empty where they went to `path`. */
  readonly data: Uint8Array;
  /** Where the file is, if it was written to disk. */
  readonly path?: string;
  /** Number of the first picture inside, and how many there are. */
  readonly first: number;
  /** How many pictures are inside. */
  readonly frames: number;
  /** Whether a player may start here. */
  readonly key: boolean;
}

/** Every kind of data by name. A third party adds its own by declaration merging. */
export interface DataKinds {
  /** What the user wishes to see. */
  prompt: Prompt;
  /** The wish as numbers. */
  conditioning: Conditioning;
  /** Compressed pictures, as the diffusion model makes them. */
  latents: Latents;
  /** Pictures. */
  frames: Frames;
  /** Encoded pictures. */
  media: Media;
}

/** Name of a kind of data. */
export type Kind = keyof DataKinds;
