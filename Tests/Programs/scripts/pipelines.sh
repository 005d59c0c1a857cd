#!/bin/bash
# Pipelines, substitutions, here-documents, arrays, traps, background jobs and exit codes.
trap 'echo "trap EXIT of $$"' EXIT
trap 'echo "got USR1"' USR1
kill -USR1 $$
seq 1 1000 | grep 7 | sort -r | head -5 | tr '\n' ' '
echo; echo "RANDOM $RANDOM pid $$ epoch $EPOCHREALTIME"
(exit 3) | cat; echo "statuses ${PIPESTATUS[*]}"
while read -r a b; do echo "$b $a"; done <<TEXT
one two
$(date +%N) four
TEXT
diff <(seq 5) <(seq 2 6)
for n in 1 2 3 4; do (sleep 0.00$n; echo "job $n" >> log; exit $n) & jobs[n]=$!; done
for n in 4 3 2 1; do wait "${jobs[n]}"; echo "job $n: $?"; done
sort log | tr '\n' ' '; echo
coproc { while read -r line; do echo "co $line"; done; }
echo hello >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"
exec {out}>&"${COPROC[1]}"-; exec {out}>&-
sleep 100 & victim=$!; kill $victim; wait $victim; echo "victim: $?"
timeout 0.01 sleep 5; echo "timeout: $?"
find /usr/bin -maxdepth 1 -name 'z*' | xargs -n 4 -P 2 ls -i | wc -l
rm -f log
echo EXIT-SUCCESS
