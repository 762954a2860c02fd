#!/bin/sh
# Unpacks a release into an empty folder and runs it as somebody would who has Java and nothing else: no Maven on PATH,
# no repository of Maven, no checkout beside it. Takes a minute or two; no part of CI.
#   mvn -Prelease package && jobs/src/main/assembly/check.sh jobs/target/sparkao-*.tar.gz
set -eu

archive=$1
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
java=$(readlink -f "${java:-$(command -v java)}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/an empty folder" "$work/home" "$work/path"
tar -xzf "$archive" -C "$work/an empty folder"
release=$(echo "$work/an empty folder"/sparkao-*)

# A path of the programs that the launcher calls, so that nothing else is found by accident.
for program in sh dirname readlink sed head tail find ls mkdir mv rm touch chmod ln cat id nice uname; do
  ln -s "$(command -v $program)" "$work/path/$program"
done

sparkao() {
  (cd "$work/home" && env -i PATH="$work/path" HOME="$work/home" JAVA_HOME="$(dirname "$(dirname "$java")")" \
    TMPDIR="${TMPDIR:-/tmp}" "$release/bin/sparkao" "$@")
}

sparkao --version
sparkao doctor --device cpu
sparkao quickstart
sparkao sweep "$release/conf/sweeps/sample.yaml" --dry-run
sparkao doctor --device cpu --checkpoint sparkao-quickstart/W4A16 --master 'local-cluster[2,1,1024]'
ls -A "$work/home"
if [ -e "$work/home/.m2" ]; then
  echo "check: something called Maven" >&2
  exit 1
fi
echo "check: ok"
