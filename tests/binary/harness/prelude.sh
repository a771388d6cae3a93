# What every case's script has beside bash itself; bash reads it by BASH_ENV.
unset BASH_ENV
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT

# lines stdout|stderr N: waits until the case has printed N lines there. For a subshell in the background, beside
# `exec wire-probe …`, whose process id is $$.
lines() {
  local file=$CASE_STDOUT
  [ "$1" = stderr ] && file=$CASE_STDERR
  rows "$file" "$2"
}

# rows FILE N: waits until the file is there and has N lines.
rows() {
  until [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; do sleep 0.02; done
}

# says FILE TEXT: waits until the file holds the text.
says() {
  until grep -qsF -- "$2" "$1"; do sleep 0.02; done
}

# hears_int PID: waits, for 20 s at most, until a process in the background handles SIGINT, which the shell has it ignore.
hears_int() {
  local caught
  for _ in $(seq 1000); do
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
    [ $((0x$caught & 2)) -ne 0 ] && return
    sleep 0.02
  done
}

# open_files PID: how many descriptors a process holds.
open_files() {
  ls "/proc/$1/fd" | wc -l
}

# as_nobody COMMAND…: without root's rights, also where root runs the tests.
as_nobody() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  else
    # A copy, since the folder of the original may be closed to others.
    cp "$(command -v wire-probe)" "$HOME/"
    PATH=$HOME:$PATH setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
  fi
}

# without_dns COMMAND…: with the hosts file as the only source of names, where the kernel lets us arrange that.
without_dns() {
  echo 'hosts: files' >nsswitch.conf
  local private=(unshare --user --map-root-user --mount bash -c 'mount --bind nsswitch.conf /etc/nsswitch.conf && "$@"' bash)
  if "${private[@]}" true 2>/dev/null; then "${private[@]}" "$@"; else "$@"; fi
}

# Rows of a mesh, and meshes on loopback.
. "${BASH_SOURCE[0]%/*}/rows.sh"
