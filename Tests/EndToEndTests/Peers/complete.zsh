# Types lines into an interactive zsh, a Tab behind each, and prints what then stands there, in angle brackets.
# usage: zsh -f complete.zsh COMPLETION LINE…
zmodload zsh/zpty
zpty shell env TERM=dumb zsh -f -i
zpty -w shell "PS1=''; autoload -U compinit; compinit -u -D; source $1; print 'rea''dy'"
zpty -r -m shell text '*ready*'
shift
for line in "$@"; do
  zpty -w -n shell "$line"$'\t'
  sleep 0.3
  # The line becomes the argument of a command that prints it.
  zpty -w -n shell $'\C-a'"print -r -- '<"$'\C-e'">'"$'\n'
  zpty -r -m shell text $'*\n<*>*\n*'
  print -r -- "$text"
done
zpty -d shell
