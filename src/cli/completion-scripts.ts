/**
 * What a shell reads to complete the words of ipthrottle(8). Each script hands the words up to the
 * cursor to `ipthrottle completion words` and takes what that prints: on each line a word, a tab and
 * what it is about; or the line `:files`.
 */

/**
 * bash splits words at colons, too, and replaces only what follows the last one; so the line is split
 * anew at blanks, and what stands before that colon is taken off each candidate.
 */
const bash = `# bash completion of ipthrottle: source <(ipthrottle completion bash)
_ipthrottle() {
  local words last before line
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]] || words+=('')
  last=\${words[-1]}
  before=
  [[ $COMP_WORDBREAKS != *:* || $last != *:* ]] || before=\${last%:*}:
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      return
    fi
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$before"}")
  done < <("$1" completion words -- "\${words[@]:1}" 2>/dev/null </dev/null)
}
complete -F _ipthrottle ipthrottle
`;

const zsh = `#compdef ipthrottle
# zsh completion of ipthrottle: source <(ipthrottle completion zsh), or a file _ipthrottle in $fpath
_ipthrottle() {
  local line
  local -a found shown
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    found+=("\${line%%$'\\t'*}")
    shown+=("\${line//$'\\t'/  }")
  done < <("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)
  compadd -l -d shown -a found
}
if [[ $funcstack[1] == _ipthrottle ]]; then
  _ipthrottle "$@"
else
  compdef _ipthrottle ipthrottle
fi
`;

const fish = `# fish completion of ipthrottle: ipthrottle completion fish | source
function __ipthrottle_words
  set -l words (commandline -opc)
  set -l last (commandline -ct)
  set -l found ($words[1] completion words -- $words[2..-1] "$last" 2>/dev/null </dev/null)
  if test "$found" = :files
    __fish_complete_path "$last"
  else if set -q found[1]
    printf '%s\\n' $found
  end
end
complete -c ipthrottle -f -a '(__ipthrottle_words)'
`;

export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish };
