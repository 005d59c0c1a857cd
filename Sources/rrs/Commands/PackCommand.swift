import ArgumentParser
import Glibc
import Packing
import TraceFormat

/// `rrs pack`
struct PackCommand: Verb {
  static let form = VerbForm(
    name: "pack", options: [.flag("symlink"), .value("pack-dir"), .flag("debug-files"), .value("archive")])

  static let configuration = VerbForm.configuration(
    "pack", abstract: "Make traces self-contained, to be copied to another machine.",
    discussion: """
      Afterwards a trace holds every file that the program had mapped, once for each content, and needs nothing else \
      of this machine. Packing a packed trace changes nothing; a packing that was interrupted is finished by the next.
      """)

  @Flag(
    name: .customLong("symlink"),
    help: "Save space instead: the trace gets symbolic links to the files of this machine that are still the same.")
  var linksToOriginals = false

  @Option(
    name: .customLong("pack-dir"),
    help: ArgumentHelp(
      "Keep the files in this directory, which several traces can share; a trace gets relative symbolic links to them.",
      valueName: "directory"))
  var sharedDirectory: String?

  @Flag(
    name: .customLong("debug-files"),
    help: "Bring in the separate files with debug information that this machine has, for debugging elsewhere.")
  var bringsDebugFiles = false

  @Option(
    name: .customLong("archive"),
    help: ArgumentHelp(
      "Write the packed trace into this file, too, or to stdout for -. Other commands open it like a trace.",
      valueName: "file.rrs"))
  var archive: String?

  @Argument(help: "The traces. (default: the latest)", completion: .traces)
  var traces: [String] = []

  func run() throws {
    if linksToOriginals, sharedDirectory != nil { throw UsageError("--symlink and --pack-dir exclude each other") }
    if let archive { return try makeArchive(archive) }
    var options = PackOptions()
    if linksToOriginals { options.place = .originals }
    if let sharedDirectory { options.place = .directory(sharedDirectory) }
    options.bringsDebugFiles = bringsDebugFiles
    let directories = TraceDirectory()
    for trace in traces.isEmpty ? [nil] : traces.map(Optional.some) {
      try pack(try directories.resolveDirectory(trace), options)
    }
  }

  private func makeArchive(_ path: String) throws {
    guard traces.count < 2, !linksToOriginals, sharedDirectory == nil else {
      throw UsageError("an archive holds one trace with all its files: it has no links to others")
    }
    let file = try ArchiveFile(path)
    let directory = try TraceDirectory().resolveDirectory(traces.first)
    let progress = ProgressBar()
    let isTerminal = isatty(STDERR_FILENO) != 0
    defer { progress.clear() }
    var options = PackOptions()
    options.bringsDebugFiles = bringsDebugFiles
    _ = try packTrace(directory: directory, options: options) { if isTerminal { progress.update(fraction: $0 * 0.5) } }
    try file.write { descriptor in
      try writeArchive(of: directory, to: descriptor, path: file.description) {
        if isTerminal { progress.update(fraction: 0.5 + $0 * 0.5) }
      }
    }
    progress.clear()
    if file.isStandardOutput { return }
    var output = StandardOutput()
    let size = FileStatus.of(path).map { TextFormat.byteCount(UInt64($0.st_size)) } ?? "?"
    output.print("packed '\(directory)' into '\(path)': \(size)B")
  }

  private func pack(_ directory: String, _ options: PackOptions) throws {
    let progress = ProgressBar()
    let isTerminal = isatty(STDERR_FILENO) != 0
    defer { progress.clear() }
    let result = try packTrace(directory: directory, options: options) { fraction in
      if isTerminal { progress.update(fraction: fraction) }
    }
    progress.clear()
    var output = StandardOutput()
    output.print(
      "packed '\(directory)': \(result.fileCountBefore) mapped files are \(result.fileCountAfter) now, "
        + Self.difference(result) + (bringsDebugFiles ? ", \(result.debugFileCount) files with debug information" : ""))
  }

  private static func difference(_ result: PackResult) -> String {
    let (before, after) = (result.byteCountBefore, result.byteCountAfter)
    let change = TextFormat.byteCount(before > after ? before - after : after - before)
    return after > before ? "\(change)B more on disk" : "\(change)B saved"
  }
}
