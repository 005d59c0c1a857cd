import ArgumentParser
import Glibc
import TraceFormat

/// `rrs mv`
struct MoveCommand: Verb {
  static let form = VerbForm(name: "mv", options: [])

  static let configuration = VerbForm.configuration(
    "mv", abstract: "Rename a trace, or move it within its file system.")

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows.", completion: .traces)
  var trace: String

  @Argument(help: "The new name in the same directory, or a path.")
  var newName: String

  func run() throws {
    let directories = TraceDirectory()
    let source = try directories.resolve(trace)
    _ = try TraceReader(directory: source)
    let target = destination(for: source)
    guard !FileStatus.exists(target) else {
      throw CommandFailure(message: "'\(target)' is there already; choose another name", status: EX_CANTCREAT)
    }
    let wasLatest = directories.latest().map { sameFile($0, source) } ?? false
    guard rename(source, target) == 0 else {
      let reason = errno
      let advice = reason == EXDEV ? "; copy it there with cp -a, and remove it here" : ""
      throw CommandFailure(
        message: "cannot move '\(source)' to '\(target)': \(FileStatus.errorText(reason))\(advice)",
        status: EX_CANTCREAT)
    }
    if wasLatest { try directories.updateLatest(to: target) }
    try LatestLink(directories).repair()
  }

  /// A bare name stays in the trace's own directory; a directory takes the trace in, as mv(1) has it.
  private func destination(for source: String) -> String {
    guard newName.contains("/") else {
      return source.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + newName
    }
    return FileStatus.isDirectory(newName) ? newName + "/" + FileStatus.lastComponent(source) : newName
  }

  private func sameFile(_ a: String, _ b: String) -> Bool {
    guard let first = FileStatus.of(a), let second = FileStatus.of(b) else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }
}
