package org.sparkao.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;

/**
 * Runs many command lines in one JVM, so that a check of a hundred short jobs starts Spark once.
 * Reads a JSON array of arguments a line, answers each with a line {@code {"code": .., "output":
 * ..}} on its own standard output.
 */
final class CommandStream {
  private CommandStream() {}

  /** Until the end of the input. */
  public static void main(String[] arguments) throws IOException {
    ObjectMapper json = new ObjectMapper();
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      PrintStream out = new PrintStream(output, true, StandardCharsets.UTF_8);
      Console console = new Console(out, out, Console.Terminal.PLAIN);
      ExitCode code =
          new CommandRunner(Jobs.all(), console).run(json.readValue(line, String[].class));
      String text = output.toString(StandardCharsets.UTF_8);
      answers.println(json.writeValueAsString(Map.of("code", code.code(), "output", text)));
    }
    System.exit(0);
  }
}
