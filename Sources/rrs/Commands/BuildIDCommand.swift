import ArgumentParser
import Glibc
import ObjectFiles

/// `rrs buildid`
struct BuildIDCommand: Verb {
  static let form = VerbForm(name: "buildid", options: [])

  static let configuration = VerbForm.configuration(
    "buildid", abstract: "Print the build ids of files.",
    discussion: """
      Reads paths from stdin, one a line, and answers each with a line: the build id in hexadecimal digits, or nothing \
      if the file has none. An empty line ends it, as does one that isn't the path of an ELF file.
      """)

  func run() throws {
    while let path = readLine(), !path.isEmpty {
      let id = try buildID(path)
      // Who asks may wait for the answer before asking again.
      StandardOutput.write(Array(((id?.description ?? "") + "\n").utf8), to: STDOUT_FILENO)
    }
  }

  private func buildID(_ path: String) throws -> BuildID? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure(message: "cannot open '\(path)': \(FileStatus.errorText(errno))", status: EX_NOINPUT)
    }
    defer { close(descriptor) }
    do throws(BuildID.Failure) {
      return try BuildID.find { offset, count in
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
          // Offsets are what the file says: one beyond all files has nothing.
          initialized = max(0, pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset)))
        }
      }
    } catch {
      throw CommandFailure(message: "'\(path)' isn't an ELF file", status: EX_DATAERR)
    }
  }
}
