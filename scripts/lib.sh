# Shared by the scripts of this folder; to be sourced, not run.
# Steps are functions that do nothing when there is nothing to do, so every script can be run again quickly.

set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
VENV=$ROOT/.venv
STAMPS=$VENV/.hone
STEP="starting"
ADVICE=""
JOBS=$(nproc)
MIN_CMAKE=3.25

# Objects are shared between the build folders: all of them lie two levels below ROOT.
# One name for the compiler: CMake alone would say c++ and scikit-build-core g++, two things to ccache.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CC=${CC:-gcc} CXX=${CXX:-g++}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

APT_PACKAGES=(g++ cmake ninja-build ccache git patchelf libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev
  libprotozero-dev libflatbuffers-dev flatbuffers-compiler libxxhash-dev libgtest-dev libgmock-dev
  libbenchmark-dev)

CODE_FOLDERS=(src include tools python integrations tests bench examples cmake)

# cpp_files FIND_ACTION: all C and C++ files.
cpp_files() {
  find "${CODE_FOLDERS[@]}" -type f \( -name '*.cc' -o -name '*.h' -o -name '*.c' -o -name '*.cu' \) "$@"
}

say() { printf '%s\n' "$*" >&2; }

# step NAME [ADVICE]: starts a step. ADVICE is what to do when it fails.
step() {
  STEP=$1
  ADVICE=${2:-}
  printf '\n[%02d:%02d] == %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$STEP" >&2
}

# stop WHY [ADVICE]: ends the script with a message.
stop() {
  trap - ERR
  say ""
  say "FAILED: $STEP"
  say "Why:    $1"
  say "To do:  ${2:-${ADVICE:-read the messages above, mend that, and run $0 again}}"
  exit 1
}
trap 'stop "\"$BASH_COMMAND\" ended with exit code $? (${BASH_SOURCE[0]##*/}, line $LINENO)"' ERR

# as_root COMMAND...: runs it as root, through sudo if need be.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    stop "root is needed for: $*" "run that command as root, then run $0 again"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"  # nobody is there to type a password
  fi
}

# apt_install PACKAGE...: installs those that are missing.
apt_install() {
  local missing=() package
  for package in "$@"; do
    case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
      "install ok installed") ;;
      *) missing+=("$package") ;;
    esac
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || stop "missing: ${missing[*]}; this script installs with apt only" \
    "install these with your system's package manager (Debian's names are given) and run $0 again"
  say "missing packages: ${missing[*]}"
  ADVICE="check the network and apt's sources; or install by hand: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    "${missing[@]}" </dev/null >&2
}

# Prints the first Python that TensorFlow has wheels for; nothing if there is none.
find_python() {
  local python
  for python in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
    command -v "$python" >/dev/null || continue
    if "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
}

# Adds what Debian and Ubuntu split off from Python: ensurepip for venv, headers for the bindings.
complete_python() {
  local python=$1 version
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "python$version-venv"
  local header='import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
  "$python" -c "$header" || apt_install "python$version-dev"
}

install_system_packages() {
  step "system packages"
  apt_install "${APT_PACKAGES[@]}"
}

# pip_stamp: what decides whether the environment is up to date.
pip_stamp() { { "$VENV/bin/python" -VV && cat scripts/requirements.txt; } | sha256sum; }

install_python_packages() {
  step "Python environment in .venv"
  if ! "$VENV/bin/python" -c '' 2>/dev/null; then  # absent, or its Python has gone
    local python
    python=$(find_python)
    if [ -z "$python" ]; then
      apt_install python3 python3-venv python3-dev
      python=$(find_python)
    fi
    [ -n "$python" ] || stop "no Python 3.10 to 3.13 found" \
      "install one of them, or name it: PYTHON=/path/to/python3.11 $0"
    complete_python "$python"
    say "creating it with $("$python" -V)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
  fi
  mkdir -p "$STAMPS"
  [ "$(pip_stamp)" != "$(cat "$STAMPS/requirements" 2>/dev/null)" ] || return 0
  ADVICE="check the network (about 600 MB of packages) and the free space on the disk, then run $0 again"
  "$VENV/bin/python" -m pip install --progress-bar off -r scripts/requirements.txt </dev/null >&2
  pip_stamp >"$STAMPS/requirements"
}

# Puts a new enough CMake first in PATH; older systems get it from the Python package index.
provide_cmake() {
  local have
  have=$(cmake --version 2>/dev/null | sed -n '1s/[^0-9]*//p')
  [ "$(printf '%s\n' "$MIN_CMAKE" "${have:-0}" | sort -V | head -n 1)" != "$MIN_CMAKE" ] || return 0
  [ -x "$VENV/bin/cmake" ] || "$VENV/bin/python" -m pip install --progress-bar off "cmake>=$MIN_CMAKE" >&2
  export PATH=$VENV/bin:$PATH
}

# configure_preset PRESET: configures build/PRESET.
configure_preset() {
  step "CMake: $1" "mend the first error above; build/$1 may be deleted to start over"
  cmake --preset "$1" >&2
}

# build_preset PRESET [TARGET...]: builds the targets, or all, in build/PRESET.
build_preset() {
  local preset=$1
  shift
  step "C++ build: $preset" "mend the compiler's first error above"
  cmake --build --preset "$preset" --parallel "$JOBS" ${*:+--target "$@"} >&2
}

# test_targets PRESET: prints the names of the test programs.
test_targets() { ninja -C "build/$1" -t targets all | sed -nE 's/^([a-z_0-9]+_tests): CXX_EXECUTABLE.*/\1/p'; }

# wheel_stamp: names, sizes and times of all files the wheel is made of.
wheel_stamp() {
  find CMakeLists.txt pyproject.toml README.md LICENSE cmake include integrations python src tools -type f \
    ! -name '*.pyc' -printf '%p %s %T@\n' | LC_ALL=C sort | sha256sum
}

install_wheel() {
  step "Hone's library, command and Python package into .venv" "mend the first error above"
  if [ "$(wheel_stamp)" = "$(cat "$STAMPS/wheel" 2>/dev/null)" ] && [ -x "$VENV/bin/hone" ]; then
    return 0
  fi
  CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_BUILD_PARALLEL_LEVEL=$JOBS \
    "$VENV/bin/python" -m pip install -v --no-build-isolation --no-deps --force-reinstall \
    --config-settings=build-dir=build/wheel . </dev/null >&2
  wheel_stamp >"$STAMPS/wheel"
}
