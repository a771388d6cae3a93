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

# hears SIGNAL PID: waits until the program under test, which becomes the process of that id, handles the signal.
hears() {
  local bit=$(($(kill -l "$1") - 1)) caught
  until [ "$(cat "/proc/$2/comm" 2>/dev/null)" = wire-probe ] && caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$2/status") &&
    [ $((0x$caught >> bit & 1)) -eq 1 ]; do sleep 0.02; done
}

# asks PID: waits until a handshake of that process is under way (state 02; the tenth word is the socket's inode).
# A descriptor may go while they are listed.
asks() {
  until ls -l "/proc/$1/fd" 2>/dev/null | grep -qFf <(awk '$4 == "02" { print "socket:[" $10 "]" }' /proc/net/tcp); do sleep 0.02; done
}

# holds PID FILE: waits until a process has that file of the case open.
holds() {
  until ls -l "/proc/$1/fd" 2>/dev/null | grep -q " $PWD/$2$"; do sleep 0.02; done
}

# by_stream FILE: of what a terminal showed, the notices, then the results: two streams can pass one another there.
by_stream() {
  grep '^wire-probe: ' "$1"
  grep -v '^wire-probe: ' "$1"
}

# replace FILE: what comes on stdin is its content from now on; nobody reads a part of it.
replace() {
  cat >"$1.new"
  mv "$1.new" "$1"
}

# open_files PID: how many descriptors a process holds.
open_files() {
  ls "/proc/$1/fd" 2>/dev/null | wc -l
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
