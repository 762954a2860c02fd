package org.sparkao.jobs.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.sparkao.jobs.storage.hub.HubAddress;
import org.sparkao.jobs.storage.hub.HubFile;
import org.sparkao.jobs.storage.hub.HubRepository;
import org.sparkao.jobs.storage.hub.HubSettings;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.ByteSource;

/** A folder of a repository at the hub, at one commit. */
final class HubFolder implements ReadOnlyFolder {
  private final HubRepository repository;
  private final HubAddress address;

  private HubFolder(HubRepository repository, HubAddress address) {
    this.repository = repository;
    this.address = address;
  }

  static HubFolder open(HubAddress asked, HubSettings settings) throws IOException {
    HubRepository repository = HubRepository.open(asked, settings);
    return new HubFolder(
        repository,
        new HubAddress(asked.repository(), repository.address().revision(), asked.folder()));
  }

  @Override
  public String location() {
    return address.toString();
  }

  private String path(String name) {
    return address.folder().isEmpty() || name.isEmpty()
        ? address.folder() + name
        : address.folder() + "/" + name;
  }

  /** Files anywhere below a folder, with their names from there on. */
  private Stream<FileEntry> below(String folder) {
    String prefix = folder.isEmpty() ? "" : folder + "/";
    return repository.files().stream()
        .filter(file -> file.path().startsWith(prefix))
        .map(
            file ->
                new FileEntry(file.path().substring(prefix.length()), file.size(), file.hash()));
  }

  @Override
  public List<String> list(String name) {
    return below(path(name))
        .map(file -> file.name().replaceFirst("/.*", ""))
        .distinct()
        .sorted()
        .toList();
  }

  @Override
  public List<FileEntry> files() {
    List<FileEntry> all = below(address.folder()).toList();
    if (all.isEmpty()) {
      throw new QuantException(location() + ": there is no such folder, or nothing in it");
    }
    return all.stream().filter(file -> file.name().indexOf('/') < 0).toList();
  }

  @Override
  public List<String> folders() {
    return below(address.folder())
        .filter(file -> file.name().indexOf('/') >= 0)
        .map(file -> file.name().replaceFirst("/.*", ""))
        .distinct()
        .toList();
  }

  private Optional<HubFile> file(String name) {
    return repository.file(path(name));
  }

  @Override
  public OptionalLong size(String name) {
    return file(name).map(file -> OptionalLong.of(file.size())).orElse(OptionalLong.empty());
  }

  @Override
  public ByteSource open(String name) throws IOException {
    return repository.open(
        file(name)
            .orElseThrow(
                () -> new FileNotFoundException(location() + "/" + name + ": is not there")));
  }
}
