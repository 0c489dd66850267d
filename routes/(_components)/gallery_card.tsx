/** A video of the gallery. */
import type { RunView } from "../../server/wire.ts";
import { formatAge, formatSeconds } from "../(_studio)/format.ts";
import type { GalleryStore } from "../(_studio)/gallery_store.ts";
import { IconButton } from "./controls.tsx";
import { Icon } from "./icons.tsx";

/** Its first picture, what it was made from, what can be done with it. */
export function GalleryCard({ run, store }: { run: RunView; store: GalleryStore }) {
  const { id, prompt, poster, seed, frames, fps, createdAt, width = 1, height = 1 } = run;
  return (
    <li class="gallery-card card">
      <button
        type="button"
        class="poster"
        aria-label={`Play ${formatSeconds(frames / fps)}: ${prompt}`}
        onClick={() => store.show(run)}
      >
        <img src={poster} alt="" width={width} height={height} loading="lazy" />
        <span class="play-sign" aria-hidden="true">
          <Icon name="play" />
        </span>
        <span class="length number">{formatSeconds(frames / fps)}</span>
      </button>
      <div class="about">
        <h2 title={prompt}>{prompt}</h2>
        <p class="muted small">
          seed <span class="number">{seed}</span>,{" "}
          <time datetime={createdAt}>{formatAge(createdAt, Date.now())}</time>
        </p>
        <div class="gallery-actions">
          <a class="link" href={`/?reuse=${id}`} aria-label={`Use settings of: ${prompt}`}>
            Use settings
          </a>
          <a
            class="icon-button plain"
            href={`/?from=${id}`}
            aria-label={`Go on from: ${prompt}`}
            title="Go on from this"
          >
            <Icon name="onward" />
          </a>
          <a
            class="icon-button plain"
            href={`${run.video}?download=1`}
            download={`sluice-${id}.mp4`}
            aria-label={`Download: ${prompt}`}
            title="Download"
          >
            <Icon name="download" />
          </a>
          <IconButton icon="trash" label={`Delete: ${prompt}`} onClick={() => store.remove(run)} />
        </div>
      </div>
    </li>
  );
}
