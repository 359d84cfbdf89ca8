# Completion of sentctl for bash, made by: sentctl completion bash
_sentctl_names() { sentctl completion --candidates "$1" 2>/dev/null; }

_sentctl_offer() {
  local IFS=$'\n'
  case "$1" in
    path|file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")) ;;
    directory) compopt -o filenames; COMPREPLY=($(compgen -d -- "$current")) ;;
    snapshot|state|code) COMPREPLY=($(compgen -W "$(_sentctl_names "$1")" -- "$current")) ;;
    verb) IFS=' '; COMPREPLY=($(compgen -W 'init adopt config eject status absorb watch put rm mv cp mkdir chmod ln cat ls find log show diff when trace-live snapshot restore rollback undo redo verify repair backup import gc forget doctor checkpoint inclusion verify-inclusion consistency verify-consistency export witness witness-key explain completion man version ui demo help' -- "$current")) ;;
    words) IFS=' '; COMPREPLY=($(compgen -W "$2" -- "$current")) ;;
  esac
}

_sentctl() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" verb='' open='' at=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      --root|--log) ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then
          verb="${COMP_WORDS[i]}"
          case "$verb" in snapshot|checkpoint|config|export) open=1 ;; esac
        elif [[ -n $open ]]; then
          verb="$verb ${COMP_WORDS[i]}"; open=''
        else
          ((at++))
        fi ;;
    esac
  done
  case "$verb $previous" in
    'init --ignore') _sentctl_offer none; return ;;
    'put --from') _sentctl_offer file; return ;;
    'put --mode') _sentctl_offer none; return ;;
    'mkdir --mode'|'mkdir -m') _sentctl_offer none; return ;;
    'cat --at') _sentctl_offer state; return ;;
    'ls --at') _sentctl_offer state; return ;;
    'find --name') _sentctl_offer none; return ;;
    'find --kind') _sentctl_offer words 'file dir symlink'; return ;;
    'find --at') _sentctl_offer state; return ;;
    'log --number'|'log -n') _sentctl_offer none; return ;;
    'log --since') _sentctl_offer state; return ;;
    'log --until') _sentctl_offer state; return ;;
    'log --actor') _sentctl_offer none; return ;;
    'log --action') _sentctl_offer none; return ;;
    'diff --from') _sentctl_offer state; return ;;
    'diff --to') _sentctl_offer state; return ;;
    'diff --context'|'diff -U') _sentctl_offer none; return ;;
    'when --number'|'when -n') _sentctl_offer none; return ;;
    'trace-live --from') _sentctl_offer none; return ;;
    'trace-live --actor') _sentctl_offer none; return ;;
    'trace-live --action') _sentctl_offer none; return ;;
    'snapshot create --name') _sentctl_offer none; return ;;
    'restore --to') _sentctl_offer state; return ;;
    'restore --hunk') _sentctl_offer none; return ;;
    'restore --as') _sentctl_offer path; return ;;
    'rollback --number'|'rollback -n') _sentctl_offer none; return ;;
    'rollback --to') _sentctl_offer state; return ;;
    'verify --since') _sentctl_offer state; return ;;
    'repair --from') _sentctl_offer directory; return ;;
    'inclusion --output'|'inclusion -o') _sentctl_offer file; return ;;
    'verify-inclusion --key') _sentctl_offer none; return ;;
    'consistency --output'|'consistency -o') _sentctl_offer file; return ;;
    'verify-consistency --key') _sentctl_offer none; return ;;
    'verify-consistency --old') _sentctl_offer file; return ;;
    'export archive --since') _sentctl_offer file; return ;;
    'witness --key') _sentctl_offer none; return ;;
    'witness --state') _sentctl_offer directory; return ;;
    'witness --name') _sentctl_offer none; return ;;
    'witness --interval') _sentctl_offer none; return ;;
    'witness-key --state') _sentctl_offer directory; return ;;
    'witness-key --name') _sentctl_offer none; return ;;
    'completion --candidates') _sentctl_offer words 'snapshot state code'; return ;;
    'ui --profile') _sentctl_offer words 'full mono vt100 linear'; return ;;
    'ui --baud') _sentctl_offer none; return ;;
    'ui --esc-ms') _sentctl_offer none; return ;;
    *' --root') _sentctl_offer directory; return ;;
    *' --log') _sentctl_offer file; return ;;
  esac
  if [[ -z $verb ]]; then
    if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer verb; fi
    return
  fi
  if [[ -n $open ]]; then
    case "$verb" in
      snapshot) _sentctl_offer words 'create list label pin unpin rm' ;;
      checkpoint) _sentctl_offer words 'show key sign' ;;
      config) _sentctl_offer words 'get set apply' ;;
      export) _sentctl_offer words 'tlog car archive redis' ;;
    esac
    return
  fi
  case "$verb" in
    'init') if [[ $current == -* ]]; then _sentctl_offer words '--no-zk --ignore --ignore-nothing --dry-run --root --json --quiet --no-color --log --help --version'; else _sentctl_offer directory; fi ;;
    'adopt') if [[ $current == -* ]]; then _sentctl_offer words '--moved --copy --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'config get') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer none; fi ;;
    'config set') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer none; fi ;;
    'config apply') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'eject') if [[ $current == -* ]]; then _sentctl_offer words '--dry-run --yes --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'status') if [[ $current == -* ]]; then _sentctl_offer words '--all --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'absorb') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'watch') if [[ $current == -* ]]; then _sentctl_offer words '--absorb --heal --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'put') if [[ $current == -* ]]; then _sentctl_offer words '--from --mode --parents --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'rm') if [[ $current == -* ]]; then _sentctl_offer words '--recursive --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'mv') if [[ $current == -* ]]; then _sentctl_offer words '--force --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'cp') if [[ $current == -* ]]; then _sentctl_offer words '--recursive --force --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'mkdir') if [[ $current == -* ]]; then _sentctl_offer words '--parents --mode --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'chmod') if [[ $current == -* ]]; then _sentctl_offer words '--recursive --root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer none ;; *) _sentctl_offer path ;; esac; fi ;;
    'ln') if [[ $current == -* ]]; then _sentctl_offer words '--symbolic --root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer file ;; *) _sentctl_offer path ;; esac; fi ;;
    'cat') if [[ $current == -* ]]; then _sentctl_offer words '--at --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'ls') if [[ $current == -* ]]; then _sentctl_offer words '--at --no-check --zk-verify --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'find') if [[ $current == -* ]]; then _sentctl_offer words '--name --kind --at --zk --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'log') if [[ $current == -* ]]; then _sentctl_offer words '--number --all --reverse --since --until --actor --action --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'show') if [[ $current == -* ]]; then _sentctl_offer words '--all --root --json --quiet --no-color --log --help --version'; else _sentctl_offer state; fi ;;
    'diff') if [[ $current == -* ]]; then _sentctl_offer words '--from --to --names --context --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'when') if [[ $current == -* ]]; then _sentctl_offer words '--number --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'trace-live') if [[ $current == -* ]]; then _sentctl_offer words '--from --actor --action --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'snapshot create') if [[ $current == -* ]]; then _sentctl_offer words '--name --absorb --root --json --quiet --no-color --log --help --version'; else _sentctl_offer none; fi ;;
    'snapshot list') if [[ $current == -* ]]; then _sentctl_offer words '--space --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'snapshot label') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer snapshot ;; *) _sentctl_offer none ;; esac; fi ;;
    'snapshot pin') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer snapshot; fi ;;
    'snapshot unpin') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer snapshot; fi ;;
    'snapshot rm') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer snapshot; fi ;;
    'restore') if [[ $current == -* ]]; then _sentctl_offer words '--to --hunk --as --root --json --quiet --no-color --log --help --version'; else _sentctl_offer path; fi ;;
    'rollback') if [[ $current == -* ]]; then _sentctl_offer words '--number --to --preview --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'undo') if [[ $current == -* ]]; then _sentctl_offer words '--preview --root --json --quiet --no-color --log --help --version'; else _sentctl_offer none; fi ;;
    'redo') if [[ $current == -* ]]; then _sentctl_offer words '--preview --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'verify') if [[ $current == -* ]]; then _sentctl_offer words '--quick --deep --since --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'repair') if [[ $current == -* ]]; then _sentctl_offer words '--from --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'backup') if [[ $current == -* ]]; then _sentctl_offer words '--deep --root --json --quiet --no-color --log --help --version'; else _sentctl_offer directory; fi ;;
    'import') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer file ;; *) _sentctl_offer directory ;; esac; fi ;;
    'gc') if [[ $current == -* ]]; then _sentctl_offer words '--dry-run --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'forget') if [[ $current == -* ]]; then _sentctl_offer words '--yes --dry-run --root --json --quiet --no-color --log --help --version'; else _sentctl_offer none; fi ;;
    'doctor') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'checkpoint show') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'checkpoint key') if [[ $current == -* ]]; then _sentctl_offer words '--all --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'checkpoint sign') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'inclusion') if [[ $current == -* ]]; then _sentctl_offer words '--output --root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer none ;; *) _sentctl_offer file ;; esac; fi ;;
    'verify-inclusion') if [[ $current == -* ]]; then _sentctl_offer words '--key --root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'consistency') if [[ $current == -* ]]; then _sentctl_offer words '--output --root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'verify-consistency') if [[ $current == -* ]]; then _sentctl_offer words '--key --old --root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'export tlog') if [[ $current == -* ]]; then _sentctl_offer words '--all --root --json --quiet --no-color --log --help --version'; else _sentctl_offer directory; fi ;;
    'export car') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else case $at in 0) _sentctl_offer file ;; 1) _sentctl_offer state ;; *) _sentctl_offer path ;; esac; fi ;;
    'export archive') if [[ $current == -* ]]; then _sentctl_offer words '--since --root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'export redis') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'witness') if [[ $current == -* ]]; then _sentctl_offer words '--key --state --name --follow --interval --root --json --quiet --no-color --log --help --version'; else _sentctl_offer file; fi ;;
    'witness-key') if [[ $current == -* ]]; then _sentctl_offer words '--state --name --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'explain') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer code; fi ;;
    'completion') if [[ $current == -* ]]; then _sentctl_offer words '--candidates --root --json --quiet --no-color --log --help --version'; else _sentctl_offer words 'bash zsh fish'; fi ;;
    'man') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'version') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'ui') if [[ $current == -* ]]; then _sentctl_offer words '--profile --baud --esc-ms --root --json --quiet --no-color --log --help --version'; else :; fi ;;
    'demo') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer directory; fi ;;
    'help') if [[ $current == -* ]]; then _sentctl_offer words '--root --json --quiet --no-color --log --help --version'; else _sentctl_offer verb; fi ;;
  esac
}
complete -F _sentctl sentctl
