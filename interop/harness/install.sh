# What the suites' install scripts share: Debian packages, Python environments, npm packages.
# Everything that is not a Debian package goes under target/interop, never into the source tree.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$root/target/interop/$(basename "$here")
mkdir -p "$folder"

# Installs the Debian packages that are missing, and asks the package lists only then.
debian_packages() {
  local missing=() package
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "root is needed for: $*" >&2; return 1; fi
}

# Makes $folder/venv from a list of requirements, unless it was made from this very list.
python_environment() {
  local list=$1
  cmp -s "$list" "$folder/venv/installed.txt" && return
  python3 -c 'import ensurepip' 2>/dev/null || debian_packages python3 python3-venv
  echo "installing $(grep -vc '^#' "$list") Python packages"
  rm -rf "$folder/venv"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$list"
  cp "$list" "$folder/venv/installed.txt"
}

# Makes $folder/node_modules from a package.json, unless it was made from this very file.
npm_packages() {
  local manifest=$1
  cmp -s "$manifest" "$folder/node_modules/installed.json" && return
  command -v npm >/dev/null || { echo "Node.js 20.19 or later with npm is needed" >&2; return 1; }
  echo "installing npm packages"
  rm -rf "$folder/node_modules"
  cp "$manifest" "$folder/package.json"
  npm install --prefix "$folder" --ignore-scripts --no-package-lock --no-audit --no-fund --silent
  cp "$manifest" "$folder/node_modules/installed.json"
}

# Installs packages that are too old for pip's own way of building them.
pip_without_dependencies() {
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-compile "$@"
}
