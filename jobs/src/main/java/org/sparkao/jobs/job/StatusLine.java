package org.sparkao.jobs.job;

import java.util.function.Supplier;

/** A line that says how far something is: rewritten on a terminal, told now and then in a log. */
public final class StatusLine implements AutoCloseable {
  private static final long TERMINAL_MILLIS = 500;
  private static final long PLAIN_MILLIS = 10_000;

  private final Console console;
  private final Supplier<String> line;
  private final Thread printer;

  /**
   * Begins to print.
   *
   * @param line how far it is now; asked by another thread
   */
  public StatusLine(Console console, Supplier<String> line) {
    this.console = console;
    this.line = line;
    this.printer = new Thread(this::print, "status line");
    printer.setDaemon(true);
    printer.start();
  }

  private void print() {
    boolean terminal = console.terminal() == Console.Terminal.INTERACTIVE;
    try {
      while (true) {
        Thread.sleep(terminal ? TERMINAL_MILLIS : PLAIN_MILLIS);
        show();
      }
    } catch (InterruptedException e) {
      if (terminal) {
        show();
        console.err().println();
      }
    }
  }

  private void show() {
    if (console.terminal() == Console.Terminal.INTERACTIVE) {
      console.err().print("\r" + line.get() + "\033[K");
      console.err().flush();
    } else {
      console.err().println(line.get());
    }
  }

  /** Prints no more. */
  @Override
  public void close() {
    printer.interrupt();
    try {
      printer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
