/** `completions bash|fish|zsh`: scripts for the shell that ask the program itself. */
import { type AnyCommand, Command } from "./command.ts";

const SCRIPTS: Readonly<Record<string, (name: string) => string>> = {
  bash: (name) =>
    `_${name}() {
  local words="$(${name} completions complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}")"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _${name} ${name}`,
  fish: (name) =>
    `complete -c ${name} -a '(${name} completions complete -- (commandline -opc)[2..])'`,
  zsh: (name) =>
    `#compdef ${name}
_${name}() { compadd -- \${(f)"$(${name} completions complete -- "\${(@)words[2,CURRENT-1]}")"}; _files }
compdef _${name} ${name}`,
};

/** The words that may follow: sub-commands and flags of the command reached, or an option's values. */
function candidates(main: AnyCommand, words: readonly string[]): string[] {
  let at = main.base;
  for (const word of words) {
    at = at.commands.find((command) => command.name() === word) ?? at;
  }
  const options = [...new Set([...at.options, ...main.base.options])];
  const last = words.at(-1) ?? "";
  const option = options.find(({ long, short }) => long === last || short === last);
  if (option?.required) return option.argChoices ?? [];
  const commands = at.commands.map((command) => command.name());
  return [...commands, ...options.map(({ long, short }) => long ?? short ?? ""), "--help"];
}

/** The command to attach as `completions`. */
export class CompletionsCommand extends Command {
  constructor() {
    super();
    this.description("Generate shell completions.").action(function () {
      this.showHelp();
    });
    for (const [shell, script] of Object.entries(SCRIPTS)) {
      const command = new Command().description(`Generate completions for ${shell}.`)
        .action(() => console.log(script(this.getMainCommand().getName())));
      this.command(shell, command);
    }
    const complete = new Command().hidden().arguments("[words...:string]")
      .action((_options, ...words) =>
        console.log(candidates(this.getMainCommand(), words).join("\n"))
      );
    this.command("complete", complete);
  }
}
