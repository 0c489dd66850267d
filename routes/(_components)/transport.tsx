/** The player's buttons and its time line. */
import type { RunView } from "../../server/wire.ts";
import { formatClock } from "../(_studio)/format.ts";
import type { Player } from "../(_studio)/player.ts";
import { IconButton } from "./controls.tsx";
import { Icon } from "./icons.tsx";

/** Play, scrub, loop, download. Everything keeps its place, whatever is shown. */
export function Transport(
  { player, run, onFull }: { player: Player; run: RunView | undefined; onFull: () => void },
) {
  const { playing, loop, time, duration } = player;
  const nothing = !player.playable.value;
  return (
    <div class="transport">
      <IconButton
        icon={playing.value && !nothing ? "pause" : "play"}
        label={playing.value && !nothing ? "Pause the video" : "Play the video"}
        disabled={nothing}
        onClick={() => player.toggle()}
      />
      <TimeLine player={player} />
      <span class="clock number">
        {formatClock(time.value)}
        <span class="of">/ {formatClock(duration.value)}</span>
      </span>
      <IconButton
        icon="loop"
        label="Loop"
        pressed={loop.value}
        onClick={() => player.toggleLoop()}
      />
      <IconButton icon="full" label="Full screen" disabled={nothing} onClick={onFull} />
      {run?.video === undefined
        ? <IconButton icon="download" label="Download" disabled onClick={() => {}} />
        : (
          <a
            class="icon-button plain"
            href={`${run.video}?download=1`}
            download={`sluice-${run.id}.mp4`}
            aria-label="Download"
            title="Download"
          >
            <Icon name="download" />
          </a>
        )}
    </div>
  );
}

function TimeLine({ player }: { player: Player }) {
  const { time, duration, made, showing } = player;
  const length = Math.max(duration.value, 0.01);
  const share = showing.value === "live" ? Math.min(1, made.value / length) : 1;
  return (
    <div class="time-line">
      <div
        class="made"
        // Only a page that plays has this style: markup from the server has none.
        style={showing.value === "nothing" ? undefined : { transform: `scaleX(${share})` }}
      />
      <input
        type="range"
        aria-label="Time"
        min={0}
        max={length}
        step={0.01}
        value={Math.min(time.value, length)}
        aria-valuetext={`${formatClock(time.value)} of ${formatClock(duration.value)}`}
        disabled={!player.playable.value}
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** Says that this is happening now, and leads back there. */
export function LiveMark({ player, run }: { player: Player; run: RunView | undefined }) {
  if (run?.state !== "streaming" || player.showing.value !== "live") return null;
  if (!run.endless || player.following.value) return <span class="tag live">Live</span>;
  return (
    <button type="button" class="tag live" onClick={() => player.goLive()}>
      Go to the newest picture
    </button>
  );
}
