#!/bin/sh
# Installs, upgrades or removes wire-probe:
#
#     curl -fsSL https://github.com/wire-probe/wire-probe/releases/latest/download/install.sh | sh
#     curl -fsSL …/install.sh | sh -s -- --version 0.1.0 --prefix /opt/wire-probe
#
# `install.sh --help` lists what else there is. Nothing is put in place before its checksum is verified and it has run
# once; the executable itself is replaced in one step, last of all.
#
# All of it stands in braces, which a shell reads to their end before it runs any of it: a download that breaks off
# executes nothing.
{
  set -u
  # What root installs is for everybody.
  umask 022

  releases=https://github.com/wire-probe/wire-probe/releases

  usage() {
    cat <<'END'
usage: install.sh [OPTION…]

  --version VERSION  install this version (default: the latest)
  --prefix FOLDER    install below this folder (default: /usr/local for root,
                     else ~/.local)
  --url URL          take archives and SHA256SUMS from this folder, a mirror of
                     a release (default: the project's releases)
  --uninstall        remove what is installed below the prefix
  --help             show this help

WIRE_PROBE_VERSION, WIRE_PROBE_PREFIX and WIRE_PROBE_URL stand in for the options.

Below the prefix are put bin/wire-probe, its man page and completions for bash,
zsh and fish; for the prefix /usr/local also systemd units, which are not enabled.
END
  }

  say() {
    printf 'install.sh: %s\n' "$*" >&2
  }

  die() {
    say "$*"
    exit 1
  }

  has() {
    command -v "$1" >/dev/null 2>&1
  }

  # value OPTION COUNT [VALUE]: the word after an option, which must be there.
  value() {
    if [ "$2" -lt 2 ] || [ -z "$3" ]; then die "$1 wants a value"; fi
    printf '%s\n' "$3"
  }

  parse() {
    version=${WIRE_PROBE_VERSION:-}
    prefix=${WIRE_PROBE_PREFIX:-}
    url=${WIRE_PROBE_URL:-}
    uninstall=no
    while [ $# -gt 0 ]; do
      case $1 in
      --version) version=$(value "$1" $# "${2:-}") || exit 1 ;;
      --prefix) prefix=$(value "$1" $# "${2:-}") || exit 1 ;;
      --url) url=$(value "$1" $# "${2:-}") || exit 1 ;;
      --uninstall) uninstall=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) die "there is no option '$1'; see --help" ;;
      esac
      case $1 in
      --version | --prefix | --url) shift 2 ;;
      *) shift ;;
      esac
    done
    case $version in
    *[!0-9A-Za-z.+-]*) die "'$version' is not a version, such as 0.1.0" ;;
    esac
    if [ -z "$prefix" ]; then
      if [ "$(id -u)" -eq 0 ]; then
        prefix=/usr/local
      else
        [ -n "${HOME:-}" ] || die 'HOME is not set: say where to with --prefix FOLDER'
        prefix=$HOME/.local
      fi
    fi
    case $prefix in
    /*) ;;
    *) die "--prefix wants an absolute path, not '$prefix'" ;;
    esac
    prefix=${prefix%/}
    bin=$prefix/bin
  }

  # Sets `target`, by the names the archives bear.
  detect_target() {
    system=$(uname -s) || die 'uname is needed to tell what machine this is'
    machine=$(uname -m)
    case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) die "there is no wire-probe for $system on $machine: only for x86_64 and aarch64" ;;
    esac
    case $system in
    Linux)
      case $(ldd --version 2>&1) in
      *musl*) die 'there is no wire-probe for musl (as in Alpine), only for glibc' ;;
      esac
      target=$machine-unknown-linux-gnu
      ;;
    Darwin) target=$machine-apple-darwin ;;
    MINGW* | MSYS* | CYGWIN*) die "on Windows take the archive from $releases yourself" ;;
    *) die "there is no wire-probe for $system: only for Linux, macOS and Windows" ;;
    esac
  }

  # Sets `downloader` and `summer`; without either nothing is touched.
  detect_tools() {
    if has curl; then
      downloader=curl
    elif has wget; then
      case $(wget --version 2>/dev/null) in
      *'GNU Wget'*) downloader=wget ;;
      *)
        # BusyBox's takes any certificate.
        downloader=plain-wget
        case $folder in
        https:*) die 'this wget does not verify who answers: curl or GNU wget is needed to download by https' ;;
        esac
        ;;
      esac
    else
      die 'curl or wget is needed to download'
    fi
    if has sha256sum; then
      summer=sha256sum
    elif has shasum; then
      summer=shasum
    elif has openssl; then
      summer=openssl
    else
      die 'sha256sum, shasum or openssl is needed to verify the download: nothing was installed'
    fi
    for tool in tar gzip; do
      has "$tool" || die "$tool is needed to unpack the archive"
    done
  }

  # by_wget NAME: follows redirects itself, since wget would follow one from https to http.
  by_wget() {
    address=$folder/$1
    for _ in 1 2 3 4 5 6 7 8; do
      answer=$(wget --server-response --no-verbose --max-redirect=0 -O "$work/$1" "$address" 2>&1) && return
      # The last Location, without the carriage return that ends it.
      address=$(printf '%s\n' "$answer" | tr -d '\r' | sed -n 's/^ *[Ll]ocation: *\([^ ]*\).*$/\1/p' | tail -n 1)
      case $address in
      https://*) ;;
      http://*) case $folder in https:*) die "$folder/$1 leads away from https; nothing was changed" ;; esac ;;
      *)
        printf '%s\n' "$answer" >&2
        return 1
        ;;
      esac
    done
    return 1
  }

  # download NAME: from the release into the temporary folder.
  download() {
    case $downloader in
    curl)
      # From https a redirect must not lead away.
      protocols='=https,http'
      case $folder in https:*) protocols='=https' ;; esac
      curl --fail --silent --show-error --location --proto "$protocols" --connect-timeout 20 \
        --output "$work/$1" "$folder/$1"
      ;;
    wget) by_wget "$1" ;;
    plain-wget) wget -q -O "$work/$1" "$folder/$1" ;;
    esac || die "cannot download $folder/$1; nothing was changed"
  }

  # sum FILE: its SHA-256 in hexadecimal.
  sum() {
    case $summer in
    sha256sum) sha256sum <"$1" ;;
    shasum) shasum -a 256 <"$1" ;;
    openssl) openssl dgst -sha256 -r <"$1" ;;
    esac
  }

  # Sets `archive` and `expected` from the line of SHA256SUMS that is for this machine.
  choose_archive() {
    archive=
    expected=
    # Its lines may end as Windows ends them, and the last one in nothing.
    carriage_return=$(printf '\r')
    while read -r line_sum line_name || [ -n "$line_sum" ]; do
      line_name=${line_name#\*}
      line_name=${line_name%"$carriage_return"}
      case $line_name in
      wire-probe-"$version"-"$target".tar.gz) ;;
      wire-probe-*-"$target".tar.gz) [ -z "$version" ] || continue ;;
      *) continue ;;
      esac
      [ -z "$archive" ] || die "SHA256SUMS names more than one archive for $target: choose one with --version"
      archive=$line_name
      expected=$line_sum
    done <"$work/SHA256SUMS"
    [ -n "$archive" ] || die "SHA256SUMS of $folder names no archive${version:+ of $version} for $target; nothing was changed"
    case $archive in
    */* | *[!0-9A-Za-z._+-]*) die "SHA256SUMS names an archive that cannot be: '$archive'" ;;
    esac
    version=${archive#wire-probe-}
    version=${version%-"$target".tar.gz}
    case $expected in
    *[!0-9a-f]*) die "SHA256SUMS holds no checksum for $archive; nothing was changed" ;;
    esac
    [ ${#expected} -eq 64 ] || die "SHA256SUMS holds no checksum for $archive; nothing was changed"
  }

  verify() {
    actual=$(sum "$work/$archive") || die "cannot compute the checksum of $archive; nothing was changed"
    actual=${actual%% *}
    [ "$actual" = "$expected" ] ||
      die "checksum mismatch for $archive: expected $expected, got $actual; nothing was changed"
  }

  unpack() {
    # Owned by who installs, whoever packed it.
    tar -xzof "$work/$archive" -C "$work" || die "cannot unpack $archive below $bin; nothing was changed"
    unpacked=$work/wire-probe-$version-$target
    [ -f "$unpacked/wire-probe" ] || die "$archive holds no wire-probe; nothing was changed"
    chmod 755 "$unpacked/wire-probe" || exit 1
    says=$("$unpacked/wire-probe" version 2>&1 </dev/null) ||
      die "wire-probe does not run on this machine: $says; nothing was changed"
    [ "$says" = "wire-probe $version" ] || die "$archive holds $says; nothing was changed"
  }

  # companions: what goes with the executable: its place in the archive, and below the prefix.
  companions() {
    cat <<'END'
wire-probe.1 share/man/man1/wire-probe.1
completions/wire-probe.bash share/bash-completion/completions/wire-probe
completions/_wire-probe share/zsh/site-functions/_wire-probe
completions/wire-probe.fish share/fish/vendor_completions.d/wire-probe.fish
END
    # systemd looks for units below no other prefix, and these name the executable there.
    [ "$prefix" = /usr/local ] || return 0
    cat <<'END'
systemd/wire-probe-serve.service lib/systemd/system/wire-probe-serve.service
systemd/wire-probe-probe.service lib/systemd/system/wire-probe-probe.service
systemd/wire-probe-connections.service lib/systemd/system/wire-probe-connections.service
END
  }

  # put FROM TO: by a file beside it that is renamed, so that nobody meets half of it.
  put() {
    mkdir -p "${2%/*}" && cp "$1" "$2.new$$" && chmod 644 "$2.new$$" && mv -f "$2.new$$" "$2" && return
    rm -f "$2.new$$"
    return 1
  }

  put_in_place() {
    companions >"$work/companions" || exit 1
    while read -r from to; do
      # macOS has no units, and older versions may have had fewer files.
      [ -f "$unpacked/$from" ] || continue
      put "$unpacked/$from" "$prefix/$to" || die "cannot write $prefix/$to; bin/wire-probe was not changed"
    done <"$work/companions"
    mv -f "$unpacked/wire-probe" "$bin/wire-probe" || die "cannot write $bin/wire-probe"
  }

  # shellcheck disable=SC2317 # called by a trap
  cleanup() {
    rm -rf "$work"
  }

  # A folder beside the executable's place, so that moving it there is one step.
  make_work() {
    mkdir -p "$bin" 2>/dev/null
    work=$(mktemp -d "$bin/.wire-probe-install.XXXXXX" 2>/dev/null) ||
      die "cannot write to $bin: choose another --prefix, or run this as root"
    trap cleanup EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # What a killed run left behind.
    find "$bin" -maxdepth 1 -name '.wire-probe-install.*' -mtime +0 -exec rm -rf {} + 2>/dev/null
  }

  install() {
    detect_target
    [ ! -d "$bin/wire-probe" ] || die "$bin/wire-probe is a folder"
    if [ -n "$url" ]; then
      folder=${url%/}
    elif [ -n "$version" ]; then
      folder=$releases/download/$version
    else
      folder=$releases/latest/download
    fi
    detect_tools
    # It is not asked for its version: nothing is run but what was verified.
    before=
    [ ! -e "$bin/wire-probe" ] || before='the one that was there'
    make_work
    download SHA256SUMS
    choose_archive
    say "downloading $archive"
    download "$archive"
    verify
    unpack
    put_in_place
    say "installed $bin/wire-probe, version $version${before:+, in place of $before}"
    case :$PATH: in
    *":$bin:"*) ;;
    *) say "$bin is not in PATH" ;;
    esac
  }

  remove() {
    [ -f "$bin/wire-probe" ] || [ -h "$bin/wire-probe" ] || die "there is no $bin/wire-probe"
    rm -f "$bin/wire-probe" || die "cannot remove $bin/wire-probe"
    companions | while read -r _ to; do
      rm -f "$prefix/$to" || exit 1
    done || die "cannot remove all that was installed below $prefix"
    say "removed wire-probe from $prefix"
  }

  parse "$@"
  if [ "$uninstall" = yes ]; then remove; else install; fi
  exit
}
