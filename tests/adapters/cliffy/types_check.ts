/** Compiles only where each marked line is an error; on Cliffy itself and on the adapter. */
import { Command, EnumType } from "@cliffy/command";

new Command()
  .type("quality", new EnumType(["a", "b"]))
  .option("--num <n:integer>", "n", { default: 1 })
  .option("--max <m:number>", "m")
  .option("-q, --qual <q:quality>", "q")
  .option("--tag <t:string>", "t", { collect: true })
  .option("--dry-run", "d")
  .arguments("<x:string> [y:number]")
  .action((options, x, y) => {
    const n: number = options.num;
    // @ts-expect-error may be undefined
    const m: number = options.max;
    // @ts-expect-error another literal type
    const q: "c" | undefined = options.qual;
    // @ts-expect-error collects into an array
    const t: string | undefined = options.tag;
    // @ts-expect-error not declared
    options.nope;
    const d: true | undefined = options.dryRun;
    // @ts-expect-error may be undefined
    const second: number = y;
    const first: string = x;
    return [n, m, q, t, d, second, first];
  });

const sub = new Command<{ home?: number }>().action(({ home }) => {
  const number: number | undefined = home;
  return number;
});
// @ts-expect-error the parent's --home is a string
new Command().globalOption("--home <h:string>", "h").command("s", sub);
