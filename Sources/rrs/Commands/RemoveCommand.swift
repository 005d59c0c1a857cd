import ArgumentParser
import Glibc
import TraceFormat

/// `rrs rm`
struct RemoveCommand: Verb {
  static let form = VerbForm(name: "rm", options: [.flag("force", "f"), .flag("checkpoints", "c")])

  static let configuration = VerbForm.configuration("rm", abstract: "Remove traces.")

  @Flag(
    name: [.customShort("f"), .customLong("force")],
    help: "Remove a directory that doesn't look like a trace too, and don't mind one that isn't there.")
  var force = false

  @Flag(
    name: [.customShort("c"), .customLong("checkpoints")],
    help: "Remove the persistent checkpoints alone; the traces stay as they are.")
  var checkpointsOnly = false

  @Argument(help: "The traces, as paths or as names that 'rrs ls' shows.", completion: .traces)
  var traces: [String] = []

  func run() throws {
    guard !traces.isEmpty else { throw UsageError("no trace to remove; 'rrs ls' lists the traces") }
    let directories = TraceDirectory()
    for argument in traces { try remove(argument, in: directories) }
  }

  private func remove(_ argument: String, in directories: TraceDirectory) throws {
    if force && !FileStatus.exists(argument) && !FileStatus.exists(directories.path + "/" + argument) { return }
    let path = try directories.resolve(argument)
    if checkpointsOnly { return try CheckpointStore(TraceReader(directory: path)).removeAll() }
    if !force { try requireTrace(path) }
    if let failure = FileStatus.removeTree(path) {
      throw CommandFailure(
        message: "cannot remove '\(failure.path)': \(FileStatus.errorText(failure.errno))", status: EX_IOERR)
    }
    try LatestLink(directories).repair()
  }

  private func requireTrace(_ path: String) throws {
    do {
      _ = try TraceReader(directory: path)
    } catch {
      throw CommandFailure(message: "\(error); rrs rm -f removes '\(path)' all the same", status: EX_DATAERR)
    }
  }
}

/// `latest-trace`, kept right when traces go or move.
struct LatestLink {
  private var directories: TraceDirectory

  init(_ directories: TraceDirectory) { self.directories = directories }

  /// Where the link points at nothing, it is made to point at the newest trace that is left, or taken away.
  func repair() throws {
    guard FileStatus.exists(directories.latestLink), FileStatus.of(directories.latestLink) == nil else { return }
    let newest = try directories.traces()
      .compactMap { ListedTrace(path: $0, readsHeader: true) }
      .filter { $0.start != nil }
      .max { ($0.start ?? 0) < ($1.start ?? 0) }
    if let newest {
      try directories.updateLatest(to: newest.path)
    } else {
      unlink(directories.latestLink)
    }
  }
}
