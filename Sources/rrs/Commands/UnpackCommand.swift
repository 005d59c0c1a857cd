import ArgumentParser
import Glibc
import TraceFormat

/// `rrs unpack`
struct UnpackCommand: Verb {
  static let form = VerbForm(name: "unpack", options: [])

  static let configuration = VerbForm.configuration(
    "unpack", abstract: "Make a trace of the archive that rrs pack --archive wrote.",
    discussion: """
      The trace goes to where traces are, under the name that it had, or to a directory that doesn't exist yet. It is \
      verified, and there only if it is whole.
      """)

  @Argument(help: "The archive, or - for stdin.", completion: .file(extensions: ["rrs"]))
  var archive: String

  @Argument(help: "The directory to make. (default: the trace's name, in the trace directory)")
  var directory: String?

  func run() throws {
    let isStandardInput = archive == "-"
    let descriptor = isStandardInput ? STDIN_FILENO : open(archive, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure(
        message: "cannot open '\(archive)': \(FileStatus.errorText(errno))", status: EX_NOINPUT)
    }
    defer { if !isStandardInput { close(descriptor) } }
    let directories = TraceDirectory()
    if directory == nil { try directories.make() }
    let target = try extractArchive(from: descriptor, path: isStandardInput ? "stdin" : archive) { name in
      directory ?? directories.path + "/" + name
    }
    var output = StandardOutput()
    output.print("unpacked to '\(target)'")
  }
}
