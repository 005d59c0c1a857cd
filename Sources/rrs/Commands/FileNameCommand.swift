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
    guard let resolved = realpath(file, nil) else {
      throw CommandFailure(message: "cannot find '\(file)': \(FileStatus.errorText(errno))", status: EX_NOINPUT)
    }
    defer { free(resolved) }
    let components = String(cString: resolved).split(separator: "/").map(String.init)
    guard components.count >= 3, components[components.count - 2] == "files" else {
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
}
