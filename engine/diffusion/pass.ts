/** What every sampler's passes have. */
export interface RolloutPass {
  /** From 0. */
  readonly index: number;
  /** Which of the chunk's further noises is mixed in after it, from 0; none if undefined. */
  readonly renoise: number | undefined;
}
