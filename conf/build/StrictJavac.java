import com.sun.source.util.JavacTask;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Makes javac's warnings errors in a module that uses an incubating module. {@code -Werror} cannot do it there: javac
 * says "using incubating module(s)" as a warning that no option silences. This analyzes all sources of the module
 * (nothing is written) and fails on every warning but that one, in any file.
 *
 * <p>Run by the build: {@code java StrictJavac.java [javac option]... -- SOURCE_FOLDER...}
 */
final class StrictJavac {
  private static final String INCUBATOR_NOTICE = "compiler.warn.incubating.modules";

  private StrictJavac() {}

  public static void main(String[] args) throws IOException {
    List<String> all = List.of(args);
    List<String> options = all.subList(0, all.indexOf("--"));
    List<File> files = new ArrayList<>();
    for (String folder : all.subList(all.indexOf("--") + 1, all.size())) {
      addSources(Path.of(folder), files);
    }
    JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
    try (StandardJavaFileManager manager = javac.getStandardFileManager(found, null, null)) {
      Iterable<? extends JavaFileObject> sources = manager.getJavaFileObjectsFromFiles(files);
      ((JavacTask) javac.getTask(null, manager, found, options, null, sources)).analyze();
    }
    long failures = found.getDiagnostics().stream().filter(StrictJavac::isFailure).peek(System.err::println).count();
    if (failures > 0) {
      System.err.println(failures + " javac warning(s): warnings are errors here");
      System.exit(1);
    }
  }

  private static boolean isFailure(Diagnostic<?> diagnostic) {
    return diagnostic.getKind() != Diagnostic.Kind.NOTE && !diagnostic.getCode().equals(INCUBATOR_NOTICE);
  }

  private static void addSources(Path folder, List<File> files) throws IOException {
    if (Files.isDirectory(folder)) {
      try (Stream<Path> paths = Files.walk(folder)) {
        paths.filter(path -> path.toString().endsWith(".java")).sorted().map(Path::toFile).forEach(files::add);
      }
    }
  }
}
