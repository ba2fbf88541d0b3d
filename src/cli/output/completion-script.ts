/** Completion scripts as text: pure, so that they are tested without a shell. */

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** Long forms, `--watch`. */
  readonly options: readonly string[];
  /** Its subcommands, kinds or other first words. */
  readonly words: readonly string[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text);
}

export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  if (shell === 'bash') return bash(commands);
  if (shell === 'zsh') return zsh(commands);
  return fish(commands);
}

function bash(commands: readonly CompletedCommand[]): string {
  return `# bash completion for weft
_weft() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      --) COMPREPLY=(); return ;;
      -n|--namespace|-o|--output|--state-dir) ((i++)) ;;
      -*) ;;
      *) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    -f|--file|--state-dir|--token-file|--access-log) COMPREPLY=($(compgen -f -- "$word")); return ;;
    -o|--output) COMPREPLY=($(compgen -W "table wide yaml json name" -- "$word")); return ;;
  esac
  case "$command" in
    "") COMPREPLY=($(compgen -W "${[...commands.map((each) => each.name), 'help'].join(' ')}" -- "$word")) ;;
${commands.map((each) => `    ${each.name}) COMPREPLY=($(compgen -W "${[...each.words, ...each.options].join(' ')}" -- "$word")) ;;`).join('\n')}
  esac
}
complete -o default -F _weft weft ./weft`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const described = commands.map((each) => `    ${quoted(`${each.name}:${each.summary.replaceAll(':', ' ')}`)}`);
  return `#compdef weft
_weft() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${commands.map((each) => `    ${each.name}) compadd -- ${[...each.words, ...each.options].join(' ')} ;;`).join('\n')}
  esac
  _files
}
compdef _weft weft`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = ['# fish completion for weft'];
  for (const { name, summary, options, words } of commands) {
    lines.push(`complete -c weft -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`);
    if (words.length > 0) {
      lines.push(`complete -c weft -n '__fish_seen_subcommand_from ${name}' -f -a ${quoted(words.join(' '))}`);
    }
    for (const option of options) {
      lines.push(`complete -c weft -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`);
    }
  }
  return lines.join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
