package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.verify.VerifyJob;

/** The files in {@code conf/metrics} against what a driver shows that was started with them. */
class TestMetricFiles {
  private static final Path METRICS = Path.of(System.getProperty("sparkao.root"), "conf/metrics");

  /** What an administrator reads. */
  private static Set<String> documented() throws IOException {
    String page = Files.readString(METRICS.resolve("README.md"));
    return page.lines()
        .filter(line -> line.matches("\\| `[a-z].*(bytes|ns|count) \\|.*"))
        .map(line -> line.split("\\|")[1])
        .flatMap(names -> Pattern.compile("`(\\w+)`").matcher(names).results())
        .map(name -> name.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The names under which the rules of the scrape put what a driver shows. */
  private static Set<String> scraped(String page) throws IOException {
    JsonNode rules =
        new YAMLMapper()
            .readTree(METRICS.resolve("prometheus.yml").toFile())
            .at("/scrape_configs/0/metric_relabel_configs");
    Pattern executor = Pattern.compile(rules.at("/0/regex").asText());
    Pattern name = Pattern.compile(rules.at("/1/regex").asText());
    Set<String> names = new TreeSet<>();
    for (String line : page.lines().toList()) {
      Matcher at = name.matcher(line.replaceFirst("[{ ].*", ""));
      if (at.matches()) {
        assertThat(executor.matcher(at.group())).as(line).matches();
        names.add(at.group(1));
      }
    }
    assertThat(rules.at("/1/replacement").asText()).isEqualTo("sparkao_gpu_$1");
    return names;
  }

  @Test
  void aDriverShowsWhatIsDocumented() throws Exception {
    try (SparkLease spark =
        SparkLease.open(
            JobRun.config(
                new VerifyJob(),
                "conf",
                "spark.ui.enabled=true",
                "conf",
                "spark.ui.port=0",
                "conf",
                "spark.plugins=" + GpuPlugin.class.getName(),
                "conf",
                "spark.metrics.namespace=sparkao",
                "conf",
                "spark.metrics.conf=" + METRICS.resolve("metrics.properties")),
            "test")) {
      String address = spark.context().uiWebUrl().get() + "/metrics/prometheus/";
      String page =
          HttpClient.newHttpClient()
              .send(HttpRequest.newBuilder(URI.create(address)).build(), BodyHandlers.ofString())
              .body();
      assertThat(scraped(page)).isEqualTo(documented()).hasSize(13);
    }
  }

  @Test
  void theDashboardAsksForWhatThereIs() throws IOException {
    Set<String> asked = new TreeSet<>();
    new ObjectMapper()
        .readTree(METRICS.resolve("grafana.json").toFile())
        .findValuesAsText("expr")
        .forEach(
            query ->
                Pattern.compile("sparkao_gpu_(\\w+)")
                    .matcher(query)
                    .results()
                    .forEach(name -> asked.add(name.group(1))));
    assertThat(asked).isNotEmpty().isSubsetOf(documented());
  }
}
