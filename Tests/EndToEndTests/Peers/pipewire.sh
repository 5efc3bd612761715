# A PipeWire sound server in the folder $1, with a session bus of its own and one null sink called Speakers. Prints "ready";
# ends when its standard input does.
export XDG_RUNTIME_DIR=$1 HOME=$1 XDG_CONFIG_HOME=$1 XDG_STATE_HOME=$1 PIPEWIRE_RUNTIME_DIR=$1 PULSE_RUNTIME_PATH=$1/pulse
export PULSE_SERVER=unix:$1/pulse/native

if [ -z "${DBUS_SESSION_BUS_ADDRESS-}" ]; then
  exec dbus-run-session -- sh "$0" "$1"
fi

until_done() {
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "failed: $*"
  exit 1
}

pipewire >"$1/pipewire.log" 2>&1 &
servers=$!
until_done test -S "$1/pipewire-0"
wireplumber >"$1/wireplumber.log" 2>&1 &
servers="$servers $!"
pipewire-pulse >"$1/pipewire-pulse.log" 2>&1 &
servers="$servers $!"
until_done pactl info
until_done pactl load-module module-null-sink sink_name=speakers rate=48000 channels=2 \
  sink_properties=device.description=Speakers
until_done pactl set-default-sink speakers
# The session manager takes a moment to see to it.
until_done sh -c 'pactl info | grep -q "Default Sink: speakers"'
echo ready
cat >/dev/null
kill $servers
wait
