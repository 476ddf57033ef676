/**
 * @module Completion scripts for bash, zsh and fish. Everything is in the script, so that the Tab key starts no Node.
 */
import type { CompletedCommand, CompletedFlag } from "./completionTree.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

type Tree = readonly CompletedCommand[];

/** A word as all three shells take it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const list = (words: readonly string[]): string => quoted(words.join(" "));

/** `/train) command='train' ;;`: how the words before the cursor name a command. */
function steps(tree: Tree): string {
  return tree
    .flatMap(({ path, subcommands }) =>
      subcommands.map(({ name }) => {
        const whole = path === "" ? name : `${path} ${name}`;
        return `      ${quoted(`${path}/${name}`)}) command=${quoted(whole)} ;;`;
      }),
    )
    .join("\n");
}

function valueCases(tree: Tree, render: (flag: CompletedFlag) => string): string {
  return tree
    .flatMap(({ path, flags }) =>
      flags
        .filter(({ takesValue }) => takesValue)
        .map((flag) => `    ${quoted(`${path} ${flag.flag}`)}) ${render(flag)} ;;`),
    )
    .join("\n");
}

function wordCases(tree: Tree): string {
  return tree
    .map(({ path, subcommands, words, flags, settings }) => {
      const offered = [
        ...subcommands.map(({ name }) => name),
        ...words,
        ...settings.map(({ key }) => `${key}=`),
      ];
      return `    ${quoted(path)}) offered=${list(offered)}; flags=${list(flags.map(({ flag }) => flag))} ;;`;
    })
    .join("\n");
}

function settingCases(tree: Tree): string {
  const settings = tree.find((command) => command.settings.length > 0)?.settings ?? [];
  return settings
    .filter(({ choices }) => choices.length > 0)
    .map(({ key, choices }) => `    ${quoted(key)}) values=${list(choices)} ;;`)
    .join("\n");
}

/** bash cuts words at `=`, so that the value of a setting, or of `--flag=`, is a word of its own. */
function bashScript(tree: Tree): string {
  return `_sharegrpo() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" key=""
  local command="" offered="" flags="" values="" word before=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command/$word" in
${steps(tree)}
    esac
  done
  COMPREPLY=()
  if [ "$cur" = "=" ]; then key="$prev"; cur=""
  elif [ "$prev" = "=" ]; then key="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$key" in --*) prev="$key"; key="" ;; esac
  if [ -n "$key" ]; then
    case "$key" in
${settingCases(tree)}
    esac
    COMPREPLY=($(compgen -W "$values" -- "$cur"))
    return
  fi
  case "$command $prev" in
${valueCases(tree, ({ values }) => `values=${list(values)}; key=flag`)}
  esac
  if [ -n "$key" ]; then
    case "$cur" in *,*) before="\${cur%,*},"; cur="\${cur##*,}" ;; esac
    COMPREPLY=($(compgen -P "$before" -W "$values" -- "$cur"))
    return
  fi
  case "$command" in
${wordCases(tree)}
  esac
  case "$cur" in -*) offered="$flags" ;; esac
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
  case "\${COMPREPLY[*]}" in *=) compopt -o nospace 2>/dev/null ;; esac
}
complete -o default -F _sharegrpo sharegrpo
`;
}

function zshScript(tree: Tree): string {
  return `#compdef sharegrpo
_sharegrpo() {
  local cur="$words[CURRENT]" prev="$words[CURRENT-1]" key="" command="" word flags="" values=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command/$word" in
${steps(tree)}
    esac
  done
  if [[ "$cur" == --*=* ]]; then prev="\${cur%%=*}"; compset -P '*='; fi
  case "$command $prev" in
${valueCases(tree, ({ values }) => `values=${list(values)}; key=flag`)}
  esac
  if [[ -n "$key" ]]; then
    if [[ -z "$values" ]]; then _files; return; fi
    compset -P '*,'
    compadd -S '' -- \${=values}
    return
  fi
  if [[ "$cur" == *=* ]]; then
    case "\${cur%%=*}" in
${settingCases(tree)}
    esac
    compset -P '*='
    if [[ -z "$values" ]]; then _files; else compadd -- \${=values}; fi
    return
  fi
  local -a choices
  local offered=""
  case "$command" in
${wordCases(tree)}
  esac
  [[ "$cur" == -* ]] && offered="$flags"
  choices=(\${=offered})
  compadd -S '' -- \${(M)choices:#*=}
  compadd -- \${choices:#*=}
  [[ "$cur" == -* || -z "$command" ]] || _files
}
if [[ "$funcstack[1]" == _sharegrpo ]]; then _sharegrpo "$@"; else compdef _sharegrpo sharegrpo; fi
`;
}

function fishFlag(condition: string, { flag, description, takesValue, values }: CompletedFlag): string {
  const value = !takesValue
    ? ""
    : values.length === 0
      ? " -r"
      : ` -x -a ${quoted(`(__sharegrpo_list ${values.join(" ")})`)}`;
  return `complete -c sharegrpo -n ${condition} -l ${flag.slice(2)}${value} -d ${quoted(description)}`;
}

/** Files are offered where a setting may be any word, not beside the keys. */
function fishCommand({ path, subcommands, words, flags, settings }: CompletedCommand): string[] {
  const condition = quoted(`__sharegrpo_at "${path}"`);
  const assignments = settings.flatMap(({ key, choices }) => [
    `${key}=`,
    ...choices.map((choice) => `${key}=${choice}`),
  ]);
  const noFile = quoted(`__sharegrpo_at "${path}"; and __sharegrpo_wants_word`);
  const offered = [
    ...(words.length === 0 ? [] : [`complete -c sharegrpo -f -n ${condition} -a ${list(words)}`]),
    ...(settings.length === 0
      ? []
      : [
          `complete -c sharegrpo -f -n ${noFile}`,
          `complete -c sharegrpo -n ${condition} -a ${list(assignments)}`,
        ]),
  ];
  return [
    ...subcommands.map(
      ({ name, description }) =>
        `complete -c sharegrpo -f -n ${condition} -a ${name} -d ${quoted(description)}`,
    ),
    ...flags.map((flag) => fishFlag(condition, flag)),
    ...offered,
  ];
}

function fishScript(tree: Tree): string {
  const settings = tree.find((command) => command.settings.length > 0)?.settings ?? [];
  const closed = settings.filter(({ choices }) => choices.length > 0).map(({ key }) => key);
  return `function __sharegrpo_at
  set -l command ""
  for word in (commandline -opc)[2..-1]
    switch "$command/$word"
${steps(tree).replace(/^ {6}(.*)\) command=(.*) ;;$/gm, "      case $1; set command $2")}
    end
  end
  test "$command" = "$argv[1]"
end
function __sharegrpo_wants_word
  set -l word (commandline -ct)
  not string match -q '*=*' -- $word
  or contains -- (string replace -r '=.*' '' -- $word) ${closed.join(" ")}
end
function __sharegrpo_list
  set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
  set -l before (string match -r '^.*,' -- $word)
  printf '%s\\n' "$before"$argv
end
${tree.flatMap(fishCommand).join("\n")}
`;
}

const SCRIPTS: Readonly<Record<Shell, (tree: Tree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script that teaches a shell this program's words. */
export function completionScript(shell: Shell, tree: Tree): string {
  return SCRIPTS[shell](tree);
}
