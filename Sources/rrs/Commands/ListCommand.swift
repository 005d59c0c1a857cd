import ArgumentParser
import Glibc
import TraceFormat

/// `rrs ls`
struct ListCommand: Verb {
  static let form = VerbForm(
    name: "ls", options: [.flag("full-listing", "l"), .flag("sort-by-age", "t"), .flag("reverse", "r")])

  static let configuration = VerbForm.configuration("ls", abstract: "List the traces.")

  @Flag(
    name: [.customShort("l"), .customLong("full-listing")],
    help: "Show start time, size on disk, number of persistent checkpoints, and command line.")
  var full = false

  @Flag(name: [.customShort("t"), .customLong("sort-by-age")], help: "Sort by start time, the newest first.")
  var byAge = false

  @Flag(name: [.customShort("r"), .customLong("reverse")], help: "Reverse the order.")
  var reverse = false

  @Argument(help: "The directory that holds the traces. (default: the trace directory)", completion: .directory)
  var directory: String?

  func run() throws {
    if let directory, !FileStatus.isDirectory(directory) {
      throw CommandFailure(message: "'\(directory)' is not a directory", status: EX_NOINPUT)
    }
    let directories = directory.map { TraceDirectory(path: $0) } ?? TraceDirectory()
    // Before the first recording there is no such directory: that is an empty list.
    guard FileStatus.isDirectory(directories.path) else { return }
    var rows = try directories.traces().map { ListedTrace(path: $0, readsHeader: full || byAge) }
    if byAge { rows.sort { ($0.start ?? 0, $1.name) > ($1.start ?? 0, $0.name) } }
    if reverse { rows.reverse() }
    var output = StandardOutput()
    guard full else {
      for row in rows { output.print(row.name) }
      return
    }
    let nameWidth = max(4, rows.map { $0.name.count }.max() ?? 0)
    output.print(ListedTrace.line(nameWidth, "NAME", "START", "SIZE", "CKPTS", "COMMAND"))
    for row in rows { output.print(row.line(nameWidth: nameWidth)) }
  }
}

/// One trace of a listing. A damaged one is listed too: `rrs rm` and `rrs verify` are for it.
struct ListedTrace {
  var path: String
  var name: String
  /// Nanoseconds since the epoch; nil where there is no readable header.
  var start: UInt64?
  var command: String
  var checkpointCount = 0

  init(path: String, readsHeader: Bool) {
    self.path = path
    name = FileStatus.lastComponent(path)
    command = ""
    guard readsHeader else { return }
    do {
      let reader = try TraceReader(directory: path)
      let header = reader.header
      checkpointCount = CheckpointStore(reader).list().places.count
      start = header.startRealtimeNanoseconds
      command = TextFormat.commandLine(header.commandLine)
    } catch {
      command = "(unreadable; 'rrs verify \(name)' says why)"
    }
  }

  func line(nameWidth: Int) -> String {
    let time = start.map { TextFormat.localTime(nanosecondsSinceEpoch: $0) } ?? "-"
    let size = TextFormat.byteCount(FileStatus.diskByteCount(path))
    return Self.line(nameWidth, name, time, size, checkpointCount == 0 ? "-" : "\(checkpointCount)", command)
  }

  static func line(
    _ nameWidth: Int, _ name: String, _ time: String, _ size: String, _ checkpoints: String, _ command: String
  ) -> String {
    let columns = [
      TextFormat.padded(name, toRight: nameWidth), TextFormat.padded(time, toRight: 19),
      TextFormat.padded(size, toLeft: 6), TextFormat.padded(checkpoints, toLeft: 5), command,
    ]
    return columns.joined(separator: "  ")
  }
}
