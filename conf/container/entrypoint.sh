#!/bin/bash
# What the container does: `driver` and `executor` as Spark on Kubernetes calls its images, with the variables that it
# sets; anything else is a job of sparkao and its options.
set -euo pipefail

home=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

# What spark-submit does: the launcher answers with the driver's command, each word ended by NUL, behind a NUL and a
# line end.
driver() {
  local words
  mapfile -d '' -t words < <("$java" -Xmx128m -cp "$home/jars/*" org.apache.spark.launcher.Main \
    org.apache.spark.deploy.SparkSubmit "$@")
  if [ "${#words[@]}" -lt 2 ]; then
    echo "entrypoint: Spark's launcher gave no command for: $*" >&2
    exit 1
  fi
  words[1]=${words[1]#$'\n'}
  exec "${words[@]:1}"
}

executor() {
  local options=() name
  # SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1 and so on, in the order of their numbers.
  while IFS= read -r name; do
    options+=("${!name}")
  done < <(compgen -v SPARK_JAVA_OPT_ | sort -t _ -k 4 -n)
  local path="${SPARK_EXTRA_CLASSPATH:+$SPARK_EXTRA_CLASSPATH:}$home/jars/*"
  path=${HADOOP_CONF_DIR:+$HADOOP_CONF_DIR:}$path
  path=${SPARK_CONF_DIR:-$home/conf}:$path
  exec "$java" "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$path" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
}

case ${1:-} in
  driver)
    shift
    export SPARK_HOME=$home SPARK_SCALA_VERSION=2.13
    export SPARK_SUBMIT_OPTS="-Dlog4j2.configurationFile=$home/conf/log4j2.properties ${SPARK_SUBMIT_OPTS:-}"
    driver --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
      --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" --deploy-mode client "$@"
    ;;
  executor)
    export SPARK_HOME=$home SPARK_SCALA_VERSION=2.13
    executor
    ;;
  *) exec "$home/bin/sparkao" "$@" ;;
esac
