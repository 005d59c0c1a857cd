#!/bin/bash
# Job control in a script: stop, background, foreground.
set -m
sleep 0.05 & first=$!
sleep 100 & second=$!
jobs | sed 's/ *$//'
kill -STOP $second; sleep 0.01
jobs -l | grep -c Stopped
kill -CONT $second; kill -TERM $second; wait $second; echo "second: $?"
wait $first; echo "first: $?"
(cat; echo "from a group of its own: $(ps -o pgid= -p $BASHPID | tr -d ' ')") < /dev/null &
wait
echo EXIT-SUCCESS
