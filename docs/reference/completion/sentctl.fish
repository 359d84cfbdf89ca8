# Completion of sentctl for fish, made by: sentctl completion fish
function __sentctl_verb
    set -l words (commandline -opc)
    set -e words[1]
    set -l plain
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
        else if contains -- $word --root --log
            set skip 1
        else if not string match -q -- '-*' $word
            set -a plain $word
        end
    end
    set -q plain[1]; or return
    if contains -- $plain[1] snapshot checkpoint config export; and set -q plain[2]
        echo "$plain[1] $plain[2]"
    else
        echo $plain[1]
    end
end
function __sentctl_is
    set -l verb (__sentctl_verb)
    test "$verb" = "$argv"
end
complete -c sentctl -f
complete -c sentctl -l root -r -f -a '(__fish_complete_directories)' -d 'the root folder; else SENTIENT_ROOT, else upwards from here'
complete -c sentctl -l json -d 'print data: one object, or one a line'
complete -c sentctl -l quiet -s q -d 'no progress, no notices'
complete -c sentctl -l no-color -d 'no colours; NO_COLOR does the same'
complete -c sentctl -l log -r -F -d 'append what is done, and errors in full, to this file'
complete -c sentctl -l help -s h -d 'help for the verb'
complete -c sentctl -l version -d 'the version'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'init' -d 'Make a root folder of a directory and record what it holds'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'adopt' -d 'Say whether a folder was moved here or is a copy, so that it can go on'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'config' -d 'config ...'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'eject' -d 'Remove the history; the files stay'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'status' -d 'Show what changed outside since the last record'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'absorb' -d 'Keep what changed outside: record it as it is on disk'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'watch' -d 'Watch the tree and report what changes outside'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'put' -d 'Write a file and record it'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'rm' -d 'Remove files or directories'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'mv' -d 'Move or rename files or directories'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'cp' -d 'Copy files or directories'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'mkdir' -d 'Make directories'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'chmod' -d 'Change permission bits'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'ln' -d 'Make a symlink'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'cat' -d 'Print files, as they are or as they were'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'ls' -d 'List directories, with how each path stands against the record'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'find' -d 'Find paths by name and kind, now or in the past'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'log' -d 'List records, newest first'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'show' -d 'Show one record and what it changed'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'diff' -d 'Show what differs between two states, or a state and the disk'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'when' -d 'Show when a path changed, and by which record'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'trace-live' -d 'Follow records as they come, of all processes'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'snapshot' -d 'snapshot ...'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'restore' -d 'Bring paths back as they were at an earlier state'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'rollback' -d 'Bring everything back to an earlier state'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'undo' -d 'Undo your last operation, or the one of a record'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'redo' -d 'Take the last undo back'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'verify' -d 'Check the history and say what was checked'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'repair' -d 'Rebuild what is derived, and restore what the history holds'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'backup' -d 'Copy the history to another directory, only what is new'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'import' -d 'Take an archive in, into a directory of its own'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'gc' -d 'Free the space of states that are no longer kept'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'forget' -d 'Take what a path ever held out of the history, for good'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'doctor' -d 'Look at the machine, the terminal and the root folder'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'checkpoint' -d 'checkpoint ...'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'inclusion' -d 'Write a small file that proves that a record is in the history'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'verify-inclusion' -d 'Check an inclusion file by a key; needs no root folder'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'consistency' -d 'Write a small file that proves that an older history goes on here'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'verify-consistency' -d 'Check a consistency file by a key; needs no root folder'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'export' -d 'export ...'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'witness' -d 'Cosign logs that go on from what was seen, keep evidence of forks'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'witness-key' -d 'Print the key by which anyone can check what this witness has cosigned'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'explain' -d 'Explain an error code'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'completion' -d 'Print a completion script for your shell'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'man' -d 'Print the manual page, for man(1)'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'version' -d 'Print the version'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'ui' -d 'Open the terminal UI'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'demo' -d 'Make a demo root folder'
complete -c sentctl -n 'test -z (__sentctl_verb)' -a 'help' -d 'Show help for a verb, or list all verbs'
complete -c sentctl -n '__sentctl_is init' -l no-zk -d 'make no zero-knowledge proofs for this root folder; --zk=false is the same'
complete -c sentctl -n '__sentctl_is init' -l ignore -r -f -d 'leave this out, as in .gitignore; may be repeated; replaces the suggested patterns'
complete -c sentctl -n '__sentctl_is init' -l ignore-nothing -d 'record everything, also what would be left out by default'
complete -c sentctl -n '__sentctl_is init' -l dry-run -s n -d 'only look, and say what would be recorded'
complete -c sentctl -n '__sentctl_is init' -f -a '(__fish_complete_directories)'
complete -c sentctl -n '__sentctl_is adopt' -l moved -d 'it was moved or restored here'
complete -c sentctl -n '__sentctl_is adopt' -l copy -d 'it is a copy, while the other one goes on'
complete -c sentctl -n '__sentctl_is config' -a get -d 'Show the settings in force'
complete -c sentctl -n '__sentctl_is config' -a set -d 'Change one setting in sentient.yaml and put it in force'
complete -c sentctl -n '__sentctl_is config' -a apply -d 'Put an edited sentient.yaml in force'
complete -c sentctl -n '__sentctl_is eject' -l dry-run -s n -d 'only say what would be removed'
complete -c sentctl -n '__sentctl_is eject' -l yes -d 'do not ask'
complete -c sentctl -n '__sentctl_is status' -l all -s a -d 'list every path; without it a text list ends after 100'
complete -c sentctl -n '__sentctl_is status' -F
complete -c sentctl -n '__sentctl_is absorb' -F
complete -c sentctl -n '__sentctl_is watch' -l absorb -d 'keep drift where the settings say absorb'
complete -c sentctl -n '__sentctl_is watch' -l heal -d 'undo drift where the settings say heal'
complete -c sentctl -n '__sentctl_is put' -l from -r -F -d 'take the content of this file; - is standard input'
complete -c sentctl -n '__sentctl_is put' -l mode -r -f -d 'permission bits, octal; default: as before, or 0644'
complete -c sentctl -n '__sentctl_is put' -l parents -s p -d 'make missing directories'
complete -c sentctl -n '__sentctl_is put' -F
complete -c sentctl -n '__sentctl_is rm' -l recursive -s r -d 'directories with all that is in them'
complete -c sentctl -n '__sentctl_is rm' -F
complete -c sentctl -n '__sentctl_is mv' -l force -s f -d 'replace what is there'
complete -c sentctl -n '__sentctl_is mv' -F
complete -c sentctl -n '__sentctl_is cp' -l recursive -s r -d 'directories with all that is in them'
complete -c sentctl -n '__sentctl_is cp' -l force -s f -d 'replace what is there'
complete -c sentctl -n '__sentctl_is cp' -F
complete -c sentctl -n '__sentctl_is mkdir' -l parents -s p -d 'make missing parents; a directory that is there is no error'
complete -c sentctl -n '__sentctl_is mkdir' -l mode -s m -r -f -d 'permission bits, octal; default: 0755'
complete -c sentctl -n '__sentctl_is mkdir' -F
complete -c sentctl -n '__sentctl_is chmod' -l recursive -s r -d 'all that is below directories too'
complete -c sentctl -n '__sentctl_is chmod' -F
complete -c sentctl -n '__sentctl_is ln' -l symbolic -s s -d 'what it does anyway; accepted out of habit'
complete -c sentctl -n '__sentctl_is ln' -F
complete -c sentctl -n '__sentctl_is cat' -l at -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'as it was at this state'
complete -c sentctl -n '__sentctl_is cat' -F
complete -c sentctl -n '__sentctl_is ls' -l at -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'as it was at this state'
complete -c sentctl -n '__sentctl_is ls' -l no-check -d 'do not compare with the record first: marks are "?"'
complete -c sentctl -n '__sentctl_is ls' -l zk-verify -d 'check each recorded object and show its proof level'
complete -c sentctl -n '__sentctl_is ls' -F
complete -c sentctl -n '__sentctl_is find' -l name -r -f -d 'only names that match'
complete -c sentctl -n '__sentctl_is find' -l kind -r -f -a 'file dir symlink' -d 'only this kind'
complete -c sentctl -n '__sentctl_is find' -l at -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'as it was at this state'
complete -c sentctl -n '__sentctl_is find' -l zk -d 'check each recorded object and show its proof level'
complete -c sentctl -n '__sentctl_is find' -F
complete -c sentctl -n '__sentctl_is log' -l number -s n -r -f -d 'at most so many records; default 20'
complete -c sentctl -n '__sentctl_is log' -l all -s a -d 'all records'
complete -c sentctl -n '__sentctl_is log' -l reverse -d 'oldest first'
complete -c sentctl -n '__sentctl_is log' -l since -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'only records after this state'
complete -c sentctl -n '__sentctl_is log' -l until -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'only records up to this state'
complete -c sentctl -n '__sentctl_is log' -l actor -r -f -d 'only what this actor asked for: owner, unknown, ...'
complete -c sentctl -n '__sentctl_is log' -l action -r -f -d 'only this action: put, delete, absorb, rollback, ...'
complete -c sentctl -n '__sentctl_is log' -F
complete -c sentctl -n '__sentctl_is show' -l all -s a -d 'list every changed path; without it a list ends after 100'
complete -c sentctl -n '__sentctl_is show' -f -a '(sentctl completion --candidates state 2>/dev/null)'
complete -c sentctl -n '__sentctl_is diff' -l from -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'the earlier state'
complete -c sentctl -n '__sentctl_is diff' -l to -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'the later state, or disk'
complete -c sentctl -n '__sentctl_is diff' -l names -d 'only the paths, no contents'
complete -c sentctl -n '__sentctl_is diff' -l context -s U -r -f -d 'equal lines around each hunk'
complete -c sentctl -n '__sentctl_is diff' -F
complete -c sentctl -n '__sentctl_is when' -l number -s n -r -f -d 'at most so many versions'
complete -c sentctl -n '__sentctl_is when' -F
complete -c sentctl -n '__sentctl_is trace-live' -l from -r -f -d 'start with this record; default: the next one'
complete -c sentctl -n '__sentctl_is trace-live' -l actor -r -f -d 'only what this actor asked for: owner, unknown, ...'
complete -c sentctl -n '__sentctl_is trace-live' -l action -r -f -d 'only this action: put, delete, absorb, rollback, ...'
complete -c sentctl -n '__sentctl_is snapshot create' -l name -r -f -d 'its identity; default: made from the time'
complete -c sentctl -n '__sentctl_is snapshot create' -l absorb -d 'keep what changed outside first'
complete -c sentctl -n '__sentctl_is snapshot' -a create -d 'Keep the current state under a name'
complete -c sentctl -n '__sentctl_is snapshot list' -l space -d 'how much each keeps; reads the store'
complete -c sentctl -n '__sentctl_is snapshot' -a list -d 'List snapshots, newest first'
complete -c sentctl -n '__sentctl_is snapshot label' -f -a '(sentctl completion --candidates snapshot 2>/dev/null)'
complete -c sentctl -n '__sentctl_is snapshot' -a label -d 'Change the label of a snapshot'
complete -c sentctl -n '__sentctl_is snapshot pin' -f -a '(sentctl completion --candidates snapshot 2>/dev/null)'
complete -c sentctl -n '__sentctl_is snapshot' -a pin -d 'Keep snapshots for good'
complete -c sentctl -n '__sentctl_is snapshot unpin' -f -a '(sentctl completion --candidates snapshot 2>/dev/null)'
complete -c sentctl -n '__sentctl_is snapshot' -a unpin -d 'Let pinned snapshots be pruned again'
complete -c sentctl -n '__sentctl_is snapshot rm' -f -a '(sentctl completion --candidates snapshot 2>/dev/null)'
complete -c sentctl -n '__sentctl_is snapshot' -a rm -d 'Remove snapshots'
complete -c sentctl -n '__sentctl_is restore' -l to -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'the state to take it from'
complete -c sentctl -n '__sentctl_is restore' -l hunk -r -f -d 'only this hunk; may be repeated'
complete -c sentctl -n '__sentctl_is restore' -l as -r -F -d 'put it at this path'
complete -c sentctl -n '__sentctl_is restore' -F
complete -c sentctl -n '__sentctl_is rollback' -l number -s n -r -f -d 'so many snapshots back'
complete -c sentctl -n '__sentctl_is rollback' -l to -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'to this state'
complete -c sentctl -n '__sentctl_is rollback' -l preview -d 'only show what it would do'
complete -c sentctl -n '__sentctl_is undo' -l preview -d 'only show which operation it would undo'
complete -c sentctl -n '__sentctl_is redo' -l preview -d 'only show which undo it would take back'
complete -c sentctl -n '__sentctl_is verify' -l quick -d 'only what a look at the files shows'
complete -c sentctl -n '__sentctl_is verify' -l deep -d 'read every object and check it against its name'
complete -c sentctl -n '__sentctl_is verify' -l since -r -f -a '(sentctl completion --candidates state 2>/dev/null)' -d 'only records after this state'
complete -c sentctl -n '__sentctl_is repair' -l from -r -f -a '(__fish_complete_directories)' -d 'take what is lost from this backup or copy of the root folder'
complete -c sentctl -n '__sentctl_is backup' -l deep -d 'compare everything that DIR has already, put right what differs, then verify all of it'
complete -c sentctl -n '__sentctl_is backup' -f -a '(__fish_complete_directories)'
complete -c sentctl -n '__sentctl_is import' -F
complete -c sentctl -n '__sentctl_is import' -f -a '(__fish_complete_directories)'
complete -c sentctl -n '__sentctl_is gc' -l dry-run -s n -d 'only say what it would free'
complete -c sentctl -n '__sentctl_is forget' -l yes -s y -d 'do not ask'
complete -c sentctl -n '__sentctl_is forget' -l dry-run -s n -d 'only say what would go, and what would stay'
complete -c sentctl -n '__sentctl_is checkpoint' -a show -d 'Print the last signed checkpoint'
complete -c sentctl -n '__sentctl_is checkpoint key' -l all -d 'the keys of earlier epochs, too'
complete -c sentctl -n '__sentctl_is checkpoint' -a key -d 'Print the key by which anyone can check this history'
complete -c sentctl -n '__sentctl_is checkpoint' -a sign -d 'Sign a checkpoint of everything recorded so far'
complete -c sentctl -n '__sentctl_is inclusion' -l output -s o -r -F -d 'the same as FILE: written whole or not at all, which "> FILE" is not'
complete -c sentctl -n '__sentctl_is inclusion' -F
complete -c sentctl -n '__sentctl_is verify-inclusion' -l key -r -f -d 'what "sentctl checkpoint key" printed'
complete -c sentctl -n '__sentctl_is verify-inclusion' -F
complete -c sentctl -n '__sentctl_is consistency' -l output -s o -r -F -d 'write it there'
complete -c sentctl -n '__sentctl_is consistency' -F
complete -c sentctl -n '__sentctl_is verify-consistency' -l key -r -f -d 'what "sentctl checkpoint key" printed'
complete -c sentctl -n '__sentctl_is verify-consistency' -l old -r -F -d 'the checkpoint that you kept'
complete -c sentctl -n '__sentctl_is verify-consistency' -F
complete -c sentctl -n '__sentctl_is export tlog' -l all -d 'write everything again, also what is there'
complete -c sentctl -n '__sentctl_is export tlog' -f -a '(__fish_complete_directories)'
complete -c sentctl -n '__sentctl_is export' -a tlog -d 'Write the log as tiles, for the tools of others'
complete -c sentctl -n '__sentctl_is export car' -F
complete -c sentctl -n '__sentctl_is export car' -f -a '(sentctl completion --candidates state 2>/dev/null)'
complete -c sentctl -n '__sentctl_is export' -a car -d 'Write a state, or a part of it, as a CAR file for IPLD tools'
complete -c sentctl -n '__sentctl_is export archive' -l since -r -F -d 'the last record that the other side has, or a file with its checkpoint'
complete -c sentctl -n '__sentctl_is export archive' -F
complete -c sentctl -n '__sentctl_is export' -a archive -d 'Write the history as one file, to be carried by hand'
complete -c sentctl -n '__sentctl_is export redis' -F
complete -c sentctl -n '__sentctl_is export' -a redis -d 'Write the last state as a file that Redis loads'
complete -c sentctl -n '__sentctl_is witness' -l key -r -f -d 'the key of a log; once for each'
complete -c sentctl -n '__sentctl_is witness' -l state -r -f -a '(__fish_complete_directories)' -d 'where it remembers what it has seen; default: where this device remembers its root folders'
complete -c sentctl -n '__sentctl_is witness' -l name -r -f -d 'of its key, when that is made: an address without https://'
complete -c sentctl -n '__sentctl_is witness' -l follow -d 'look again and again'
complete -c sentctl -n '__sentctl_is witness' -l interval -r -f -d 'between two looks of --follow'
complete -c sentctl -n '__sentctl_is witness' -F
complete -c sentctl -n '__sentctl_is witness-key' -l state -r -f -a '(__fish_complete_directories)' -d 'where it remembers what it has seen; default: where this device remembers its root folders'
complete -c sentctl -n '__sentctl_is witness-key' -l name -r -f -d 'of its key, when that is made: an address without https://'
complete -c sentctl -n '__sentctl_is explain' -f -a '(sentctl completion --candidates code 2>/dev/null)'
complete -c sentctl -n '__sentctl_is completion' -l candidates -r -f -a 'snapshot state code' -d 'print names of this kind, one a line'
complete -c sentctl -n '__sentctl_is completion' -f -a 'bash zsh fish'
complete -c sentctl -n '__sentctl_is ui' -l profile -r -f -a 'full mono vt100 linear' -d 'how to draw; default: what the terminal can do'
complete -c sentctl -n '__sentctl_is ui' -l baud -r -f -d 'speed of a serial line'
complete -c sentctl -n '__sentctl_is ui' -l esc-ms -r -f -d 'how long a lone Esc waits on slow lines'
complete -c sentctl -n '__sentctl_is demo' -f -a '(__fish_complete_directories)'
complete -c sentctl -n '__sentctl_is help' -f -a 'init adopt config eject status absorb watch put rm mv cp mkdir chmod ln cat ls find log show diff when trace-live snapshot restore rollback undo redo verify repair backup import gc forget doctor checkpoint inclusion verify-inclusion consistency verify-consistency export witness witness-key explain completion man version ui demo help'
