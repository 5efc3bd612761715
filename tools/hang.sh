# Sourced by tools/test: what is done about tests that hang.
# shellcheck shell=bash

# Ends what keeps a run of tests from ending, and shows what there was to see of it: the processes, and what each
# thread of the tests' was doing. Runs beside the tests; `status` gets the word `passed` if all of them had passed.
# usage: watch_for_hang SECONDS LOG STATUS
watch_for_hang() {
  local limit=$1 log=$2 status=$3 second tests swift
  local before
  before=$(ended_runs "$log")
  for ((second = 0; second < limit; second++)); do
    sleep 1
    kill -0 $$ 2>/dev/null || return
  done
  echo "The tests did not end within $((limit / 60)) minutes:"
  ps --deselect --ppid 2 --pid 2 --forest -o pid,ppid,etime,stat,args | cut -c1-200 # not the kernel's
  # The script started `timeout`, that SwiftPM, and that the tests, if they are still there.
  swift=$(pgrep -P "$(pgrep -P $$ -x timeout)" || true)
  for tests in $(pgrep -P "$swift" || true); do
    # What they have printed and not written yet has the names of the last tests in it.
    if command -v gdb >/dev/null; then
      timeout 60 gdb -p "$tests" -batch -ex 'call (int) fflush(0)' -ex 'thread apply all backtrace 16' 2>/dev/null |
        grep -E '^(Thread|#)' | cut -c1-200 || true
    fi
    kill -KILL "$tests" || true
  done
  sleep 2
  end_holders "$swift"
  sleep 5
  if [ "$(ended_runs "$log")" -gt "$before" ]; then echo passed >"$status"; fi
}

# How many runs of tests have said that all of their tests have passed.
ended_runs() { grep -acE 'Test run with .* passed after' "$1" || true; }

# Ends the processes that hold open what SwiftPM waits for the end of: the output of the tests.
end_holders() {
  local swift=$1 pipes process
  pipes=$(readlink "/proc/$swift"/fd/* 2>/dev/null | grep '^pipe:' | sort -u) || return 0
  for process in $(pgrep -v -f 'swift-test|timeout|tee' || true); do
    [ "$process" != $$ ] && [ "$process" != "$BASHPID" ] || continue
    if readlink "/proc/$process/fd/1" "/proc/$process/fd/2" 2>/dev/null | grep -qxF "$pipes"; then
      printf 'holds the output of the tests open: '
      ps -o pid,etime,args -p "$process" --no-headers
      kill -KILL "$process" || true
    fi
  done
}

# The tests that began and did not end, by the log: suites run their tests at the same time, so only counting tells.
unended() {
  awk '
    / Test run / || / Test case / { next }
    /◇ Test .* started\.$/ { name = $0; sub(/.*◇ Test /, "", name); sub(/ started\.$/, "", name); open[name]++ }
    /[✔✘━] Test .* after [0-9.]+ seconds/ {
      name = $0; sub(/.*[✔✘━] Test /, "", name); sub(/ (passed|failed) after .*/, "", name)
      sub(/ with [0-9]+ test cases?$/, "", name); open[name]--
    }
    END { for (name in open) if (open[name] > 0) print "  " name }
  ' "$1"
}
