package org.sparkao.jobs.quantize.budget;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.sparkao.quant.QuantException;

/** The file of a budget's rules. */
public final class BudgetFile {
  private BudgetFile() {}

  /**
   * Writes a new file; one with the same text stays, so that a run goes on by the same command.
   *
   * @throws QuantException when there is another one, which a person may have edited, or no folder
   */
  public static void write(Path file, String text) throws IOException {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      if (Arrays.equals(Files.readAllBytes(file), text.getBytes(StandardCharsets.UTF_8))) {
        return;
      }
      throw new QuantException(
          "--budget-rules "
              + file
              + ": is there already with other rules, and may have been edited; name a new file, or use it with"
              + " --config instead of --budget",
          e);
    } catch (NoSuchFileException e) {
      throw new QuantException("--budget-rules " + file + ": its folder is not there", e);
    }
  }
}
