/** Figures of a run. */
import type { RunView } from "../../server/wire.ts";
import { formatRate, formatSeconds } from "../(_studio)/format.ts";

/** Four figures that keep their places. */
export function Readout({ run }: { run: RunView | undefined }) {
  const total = run?.framesTotal;
  const figures: readonly (readonly [name: string, value: string, unit: string])[] = [
    ["First picture", ...split(run?.firstFrameSeconds, formatSeconds)],
    ["Speed", ...rate(run?.framesPerSecond, "pictures/s")],
    ["Real time", ...rate(run?.realTimeFactor, "×")],
    [
      "Pictures",
      run === undefined ? "–" : String(run.frames),
      total == null ? (run?.endless ? "endless" : "") : `of ${total}`,
    ],
  ];
  return (
    <dl class="readout">
      {figures.map(([name, value, unit]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">
            {value} <span class="unit">{unit}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function rate(value: number | undefined, unit: string): [string, string] {
  return value === undefined ? ["–", ""] : [formatRate(value), unit];
}

/** A number and its unit apart. */
function split(value: number | undefined, format: (value: number) => string): [string, string] {
  const [number = "–", unit = ""] = value === undefined ? [] : format(value).split(" ");
  return [number, unit];
}
