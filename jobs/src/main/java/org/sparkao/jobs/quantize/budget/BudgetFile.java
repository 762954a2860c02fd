package org.sparkao.jobs.quantize.budget;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.sparkao.quant.QuantException;

/** The file of a budget's rules. */
public final class BudgetFile {
  private BudgetFile() {}

  /**
   * Writes a new file.
   *
   * @throws QuantException when there is one, which a person may have edited, or no folder
   */
  public static void write(Path file, String text) throws IOException {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      throw new QuantException(
          "--budget-rules "
              + file
              + ": is there already, and may have been edited; name a new file, or use it with"
              + " --config instead of --budget",
          e);
    } catch (NoSuchFileException e) {
      throw new QuantException("--budget-rules " + file + ": its folder is not there", e);
    }
  }
}
