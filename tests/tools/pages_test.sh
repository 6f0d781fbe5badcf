#!/usr/bin/env bash
# Manual pages and completions know every command and every option that the program's own help knows.
set -u
qconvert=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() {
  echo "$1"
  failed=1
}
"$qconvert" help --pages pages || fail "no pages"
"$qconvert" help --pages again && diff -r pages again > /dev/null || fail "the pages are not the same twice"
commands=$("$qconvert" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<< "$commands")" -ge 12 ] || fail "help lists: $commands"
source pages/completions/bash/qconvert
# complete WORD...: what bash offers for the last word.
complete_words() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _qconvert
  printf '%s\n' "${COMPREPLY[@]}"
}
for command in $commands; do
  page=pages/man1/qconvert-$command.1
  [ "$command" = convert ] && page=pages/man1/qconvert.1
  [ -s "$page" ] || { fail "$command has no page"; continue; }
  complete_words qconvert "${command:0:2}" | grep -qx "$command" || fail "bash does not offer $command"
  "$qconvert" help "$command" | sed -n '/^Options:/,/^$/p' | grep -E '^  [^ -]' &&
    fail "a line of help $command stands under no text"
  offered=$(complete_words qconvert "$command" --)
  for option in $("$qconvert" help "$command" | grep -oE '^  (-.,)?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
    grep -qF -- "${option//-/\\-}" "$page" || fail "$page lacks $option"
    grep -qx -- "$option" <<< "$offered" || fail "bash does not offer $option of $command"
    grep -qF -- "$option" pages/completions/zsh/_qconvert || fail "zsh lacks $option"
    grep -qF -- "-l ${option#--}" pages/completions/fish/qconvert.fish || fail "fish lacks $option"
  done
done
[ "$(complete_words qconvert model.onnx --scheme st)" = static ] || fail "bash does not offer the schemes"
complete_words qconvert model.onnx --config cpu | grep -qx cpu_int8 || fail "bash does not offer the presets"
complete_words qconvert help cali | grep -qx calibrate || fail "bash does not offer what help takes"
touch 'a model.onnx'
complete_words qconvert "a m" | grep -qx "a model.onnx" || fail "bash does not offer files"
bash -n pages/completions/bash/qconvert || fail "bash refuses its completion"
if command -v zsh > /dev/null; then zsh -n pages/completions/zsh/_qconvert || fail "zsh refuses its completion"; fi
# With stand-ins for zsh's own functions: a first word that begins an option is one of a conversion, any other may be a command.
zsh_takes() {
  zsh -fc '_describe() { print commands; }; _files() { :; }; _arguments() { print options; }; words=(qconvert '"$1"'); CURRENT=2; source pages/completions/zsh/_qconvert' 2> /dev/null
}
if command -v zsh > /dev/null; then
  [ "$(zsh_takes deb)" = commands ] || fail "zsh does not offer commands"
  [ "$(zsh_takes --sche)" = options ] || fail "zsh does not offer options without a command"
fi
# The shells themselves, as somebody types: a line, and what the key for completion makes of it.
cat > typed.txt << 'LINES'
qconvert calib|qconvert calibrate 
qconvert debug --tar|qconvert debug --target 
qconvert batch --resu|qconvert batch --resume 
qconvert model.onnx --scheme st|qconvert model.onnx --scheme static 
qconvert debug m.onnx --scheme weig|qconvert debug m.onnx --scheme weight-only 
qconvert model.onnx --config vitis_dp|qconvert model.onnx --config vitis_dpu 
qconvert help evalu|qconvert help evaluate 
LINES
if command -v fish > /dev/null; then
  fish -n pages/completions/fish/qconvert.fish || fail "fish refuses its completion"
  while IFS='|' read -r line whole; do
    offered=$(HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work fish -c 'source pages/completions/fish/qconvert.fish; complete -C "$argv[1]"' -- "$line" | cut -f 1)
    grep -qx -- "$(awk '{ print $NF }' <<< "$whole")" <<< "$offered" || fail "fish offers for '$line': $offered"
  done < typed.txt
else
  echo "left out: completion in fish, which is not installed"
fi
if command -v zsh > /dev/null; then
  cat > type.zsh << 'ZSH'
# A shell of its own, in which the key completes and then writes the line down.
zmodload zsh/zpty
zmodload zsh/zselect
zpty typist zsh -f -i
zpty -w typist "fpath=($PWD/pages/completions/zsh \$fpath); autoload -Uz compinit; compinit -u -D; setopt no_beep
tell() { zle complete-word; print -r -- \"\$BUFFER|\" > completed; BUFFER= }; zle -N tell; bindkey '^I' tell; print > ready"
until_there() { for (( tries = 0; tries < 3000; ++tries )) { [[ -s $1 ]] && return; zselect -t 1; zpty -r -t typist part; }; return 1 }
until_there ready || exit 1
while IFS='|' read -r line whole; do
  rm -f completed
  zpty -n -w typist "$line"$'\t'
  until_there completed || { print "zsh completes '$line' never"; continue }
  [[ $(< completed) == "$whole|" ]] || print "zsh makes of '$line': $(< completed)"
done < typed.txt
ZSH
  said=$(TERM=xterm zsh -f type.zsh < /dev/null) || fail "zsh does not start: $said"
  [ -z "$said" ] || fail "$said"
else
  echo "left out: completion in zsh, which is not installed"
fi
if command -v groff > /dev/null; then
  for page in pages/man1/*; do
    warnings=$(groff -man -Tutf8 -ww "$page" 2>&1 > /dev/null)
    [ -z "$warnings" ] || fail "$page: $warnings"
  done
fi
exit $failed
