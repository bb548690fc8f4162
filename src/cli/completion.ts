// Completion scripts for bash, zsh and fish, made from the tree of verbs.
import type { Command } from "commander";
import { LIST_KINDS } from "./lists.ts";
import { usage } from "./outcome.ts";

type Word = { text: string; about: string };
/** What may follow a path of verbs: "" is the program itself. */
type Node = {
  path: readonly string[];
  verbs: Word[];
  options: Word[];
  values: readonly string[];
  takesFile: boolean;
};

const VALUES: Record<string, readonly string[]> = {
  list: LIST_KINDS,
  completion: ["bash", "zsh", "fish"],
};

/** The script for one shell. */
export function completion(shell: string, program: Command): string {
  const nodes = nodesOf(program, []);
  if (shell === "bash") return bash(nodes);
  if (shell === "zsh")
    return `#compdef espalier\nautoload -U +X bashcompinit && bashcompinit\n${bash(nodes)}`;
  if (shell === "fish") return fish(nodes);
  throw usage(`there is no completion for ${shell}`, "Choose bash, zsh or fish.");
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const node: Node = {
    path,
    verbs: command.commands.map((one) => ({ text: one.name(), about: one.description() })),
    options: command.options.map((one) => ({ text: one.long ?? one.flags, about: one.description })),
    values: VALUES[path.join(" ")] ?? [],
    takesFile: command.registeredArguments.some((one) => ["path", "file"].includes(one.name())),
  };
  return [node, ...command.commands.flatMap((one) => nodesOf(one, [...path, one.name()]))];
}

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map((node) => {
    const words = [
      ...node.verbs.map((one) => one.text),
      ...node.values,
      ...node.options.map((one) => one.text),
    ];
    return `    "${node.path.join(" ")}") words="${words.join(" ")} --help"${node.takesFile ? " files=1" : ""} ;;`;
  });
  const paths = nodes.filter((node) => node.path.length > 0).map((node) => `"${node.path.join(" ")}"`);
  return `# Completion of espalier.
_espalier() {
  local current=\${COMP_WORDS[COMP_CWORD]} path="" words="" files="" word next at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    next="\${path:+$path }$word"
    case "$next" in
      ${paths.join("|")}) path=$next ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "\${COMP_WORDS[COMP_CWORD-1]}" in --data|--to|--sample-model|--trainer-python|--python) files=1 ;; esac
  if [ -n "$files" ] && [ "\${current#-}" = "$current" ]; then
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _espalier espalier
`;
}

function fish(nodes: readonly Node[]): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = ["# Completion of espalier.", "complete -c espalier -f"];
  for (const node of nodes) {
    const [first, second] = node.path;
    const verbs = node.verbs.map((one) => one.text).join(" ");
    const here = [
      first === undefined ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${first}`,
      ...(second === undefined ? [] : [`__fish_seen_subcommand_from ${second}`]),
      ...(first !== undefined && verbs !== "" ? [`not __fish_seen_subcommand_from ${verbs}`] : []),
    ].join("; and ");
    const start = `complete -c espalier -n ${quote(here)}`;
    for (const one of node.verbs) lines.push(`${start} -a ${one.text} -d ${quote(one.about)}`);
    if (node.values.length > 0) lines.push(`${start} -a ${quote(node.values.join(" "))}`);
    if (node.takesFile) lines.push(`${start} -F`);
    for (const one of node.options) lines.push(`${start} -l ${one.text.slice(2)} -d ${quote(one.about)}`);
  }
  return `${lines.join("\n")}\n`;
}
