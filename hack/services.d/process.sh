# Processes that outlive the script: start, wait until they answer, stop and wait until they are gone.
# PID files hold the process id and its start time, so that a number used again is nobody's.

# Clock ticks since boot: field 22 of proc(5)'s stat, the 20th after the program's name. Nothing for a zombie.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

alive() {
  local pid time
  [ -f "$1" ] || return
  read -r pid time <"$1"
  [ -n "$time" ] && [ "$(start_time "$pid")" = "$time" ]
}

pidfiles() { find "$state" -maxdepth 1 -name "$1.*.pid" | sort; }

alive_all() {
  local file
  for file in $(pidfiles "$1"); do alive "$file" || return; done
}

# port NAME WANTED prints a port that stays the same from start to start while nobody else takes it.
port() {
  local file=$state/$1.port port=$2
  ! [ -f "$file" ] || port=$(cat "$file")
  while in_use "$port"; do port=$((port + 100)); done
  echo "$port" | tee "$file"
}

port_of() { cat "$state/$1.port"; }
in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# spawn UNIT NAME CMD... starts CMD; its output goes to UNIT.NAME.log.
spawn() {
  local unit=$1 name=$2 pid
  shift 2
  setsid nohup "$@" </dev/null >"$state/$unit.$name.log" 2>&1 &
  pid=$!
  disown "$pid" # or the shell would tell of its end
  echo "$pid $(start_time "$pid")" >"$state/$unit.$name.pid"
}

# await UNIT NAME SECONDS CHECK... waits until CHECK succeeds. Shows the log when it does not, or when the process ended.
await() {
  local unit=$1 name=$2 deadline=$((SECONDS + $3))
  shift 3
  until "$@" >/dev/null 2>&1; do
    alive "$state/$unit.$name.pid" || fail_start "$unit" "$name" "ended"
    [ $SECONDS -lt $deadline ] || fail_start "$unit" "$name" "does not answer"
    sleep 0.2
  done
}

fail_start() {
  tail -20 "$state/$1.$2.log" >&2
  stop_all "$1"
  die "$2 $3; its log: $state/$1.$2.log"
}

stop_all() {
  local file
  for file in $(pidfiles "$1"); do stop "$file"; done
}

# Their data is deleted next, so nobody gets time to drain. Postgres alone must clean up, its shared memory: SIGQUIT is what it
# calls an immediate shutdown.
stop() {
  local pid signal=KILL
  case $1 in */postgres.*) signal=QUIT ;; esac
  if alive "$1"; then
    read -r pid _ <"$1"
    kill -"$signal" "$pid"
    while alive "$1"; do sleep 0.1; done
  fi
  rm -f "$1"
}
