import ArgumentParser
import Glibc
import TraceFormat

/// `rrs filename`
struct FileNameCommand: Verb {
  static let form = VerbForm(name: "filename", options: [])

  static let configuration = VerbForm.configuration(
    "filename", abstract: "Print the original name of a file in a trace.")

  @Argument(help: "A file in the files directory of a trace.", completion: .file())
  var file: String

  func run() throws {
    // A packed trace's stored file can be a link itself; others, as those of its system root, lead to stored files.
    guard let components = Self.components(inResolvedDirectory: file) ?? Self.components(resolved: file) else {
      throw CommandFailure(message: "cannot find '\(file)': \(FileStatus.errorText(errno))", status: EX_NOINPUT)
    }
    guard Self.isStored(components) else {
      throw CommandFailure(message: "'\(file)' doesn't lie in the files directory of a trace", status: EX_DATAERR)
    }
    let name = components[components.count - 1]
    let mappings = try TraceReader(directory: "/" + components.dropLast(2).joined(separator: "/")).mappingCursor()
    while let mapping = try mappings.next() {
      guard case .traceFile(name) = mapping.source else { continue }
      var output = StandardOutput()
      output.print(mapping.name)
      return
    }
    throw CommandFailure(message: "no mapping of the trace uses '\(file)'", status: EX_DATAERR)
  }

  private static func isStored(_ components: [String]) -> Bool {
    components.count >= 3 && components[components.count - 2] == StoredFile.directoryName
  }

  private static func components(resolved path: String) -> [String]? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved).split(separator: "/").map(String.init)
  }

  /// Nil where that isn't a directory of stored files.
  private static func components(inResolvedDirectory path: String) -> [String]? {
    let slash = path.lastIndex(of: "/")
    let name = String(path[(slash.map(path.index(after:)) ?? path.startIndex)...])
    guard FileStatus.exists(path), !name.isEmpty, name != ".", name != "..",
      let parent = components(resolved: slash.map { String(path[...$0]) } ?? "."), isStored(parent + [name])
    else { return nil }
    return parent + [name]
  }
}
