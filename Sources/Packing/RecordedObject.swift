import Glibc
import ObjectFiles
import TraceFormat

/// A recorded program or library.
struct RecordedObject {
  /// Where it was recorded.
  let path: String
  /// Where it is in the trace.
  let stored: String
  let file: OpenObject
  /// That path, and others by which a debugger asks for it: the dynamic linker tells the names by which a library was
  /// found, which are those of links.
  let paths: [String]

  /// Nil for other files.
  init?(path: String, stored: String) throws(TraceError) {
    guard path.hasPrefix("/"), !path.hasSuffix(" (deleted)"), let file = try OpenObject(stored) else { return nil }
    self.path = path
    self.stored = stored
    self.file = file
    var paths = [path]
    let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
    if let name = file.object.sharedObjectName, !name.contains("/") {
      paths.append("\(directory)/\(name)")
      // Of the dynamic linker: where programs for this processor ask for it (System V ABI for AMD64, 5.2.1).
      if name == "ld-linux-x86-64.so.2" { paths.append("/lib64/\(name)") }
    }
    self.paths = paths.enumerated().filter { !paths[..<$0.offset].contains($0.element) }.map(\.element)
  }
}

/// An ELF file, open as long as this lives.
final class OpenObject {
  let object: ObjectFile
  private let descriptor: CInt

  /// Nil for what is no such file.
  init?(_ path: String) throws(TraceError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw systemError("open", path) }
    let object = ObjectFile { offset, count in
      [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        initialized = max(0, pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset)))
      }
    }
    guard let object else {
      close(descriptor)
      return nil
    }
    self.object = object
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
