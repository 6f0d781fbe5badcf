#!/usr/bin/env bash
# Runs README's quick start on a bare Debian 12 and tells the times: as root with nothing installed, again, and from the
# clone of another user who has neither root nor sudo and finds the packages there. Root, debootstrap, about 5 GB in
# TMPDIR (/var/tmp); what is cloned is this checkout's last commit. Archive, package index, proxies and certificates are
# those the host is configured with. Nothing stays, whatever ends it.
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
[ "${1:-}" = --inside ] || help_or_arguments "tools/check_fresh_machine.sh" '' "$@"
release=bookworm

# Archives of the distribution itself among those the host uses: "SITE SUITE COMPONENT" per line.
archives() {
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    grep " $release" | sort -u || true
}

# What the host's package clients need to reach their registries.
copy_host_settings() {
  local machine=$1 file
  archives | while read -r site suite component; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite $component"
  done > "$machine/etc/apt/sources.list"
  apt-config dump Acquire > "$machine/etc/apt/apt.conf.d/80host"
  for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
    [ ! -e "$file" ] || cp -L "$file" "$machine$file"
  done
  mkdir -p "$machine/usr/local/share/ca-certificates"
  cp -r /usr/local/share/ca-certificates/. "$machine/usr/local/share/ca-certificates/"  # installed with ca-certificates
}

# timed WHO USER COMMAND: runs it inside the machine, in the clone of that user.
timed() {
  local who=$1 user=$2 command=$3 home=/home/builder start=$SECONDS
  [ "$user" != root ] || home=/root
  echo "== $who: $command"
  local settings=() name
  for name in $(compgen -e | grep -iE '^(https?|no|all)_proxy$|^PIP_' | grep -v FIND_LINKS || true); do settings+=("$name=${!name}"); done
  chroot --userspec="$user:$user" "$machine" /usr/bin/env -i HOME=$home USER="$user" PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    "${settings[@]}" /bin/bash -c "cd && cd qconvert && exec $command" || die "$who: $command: exit $?"
  times+=("$(printf '%6d s  %s: %s' $((SECONDS - start)) "$who" "$command")")
}

# Runs in namespaces of its own: mounts and processes end with it.
inside() {
  machine=$1
  times=()
  local site start=$SECONDS
  site=$(archives | grep " $release main" | head -n 1 | cut -d' ' -f1)
  [ -n "$site" ] || die "apt knows no archive of Debian $release"
  echo "== bare machine"
  debootstrap --variant=minbase "$release" "$machine" "$site" > "$machine.log" 2>&1 ||
    { tail -n 20 "$machine.log"; die "debootstrap failed"; }
  copy_host_settings "$machine"
  mount --rbind /dev "$machine/dev"
  mount -t proc proc "$machine/proc"
  mount -t sysfs sysfs "$machine/sys"
  chroot "$machine" useradd --create-home builder
  git clone --quiet "file://$root" "$machine/root/qconvert"
  git clone --quiet "file://$root" "$machine/home/builder/qconvert"
  chroot "$machine" chown -R builder:builder /home/builder
  times+=("$(printf '%6d s  bare machine' $((SECONDS - start)))")

  local command
  for command in tools/quickstart.sh tools/run_tests.sh; do timed "root" root "$command"; done
  timed "root again" root tools/quickstart.sh
  for command in tools/quickstart.sh tools/run_tests.sh; do timed "another user" builder "$command"; done
  echo "== times"
  printf '%s\n' "${times[@]}"
}

if [ "${1:-}" = --inside ]; then
  inside "$2"
  exit
fi

[ "$(id -u)" = 0 ] || die "must be root, to make a machine of its own"
command -v debootstrap > /dev/null || die "debootstrap is not installed: apt-get install debootstrap"
work=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh_machine.XXXXXX")
child=
end() {
  [ -z "$child" ] || kill -KILL "$child" 2> /dev/null || true  # unshare takes the whole namespace with it
  wait 2> /dev/null  # the shell would tell that it was killed
  rm -rf --one-file-system "$work"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -m 755 "$work/machine"
chmod 755 "$work"
unshare --mount --pid --fork --kill-child "$0" --inside "$work/machine" < /dev/null &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
