import Glibc
import ObjectFiles
import TraceFormat

/// The files of this machine with debug information of a recorded program or library, where gdb looks for them (GDB
/// manual, "Debugging Information in Separate Files").
struct DebugFiles {
  struct Found: Hashable {
    /// On this machine.
    var source: String
    /// In the system root of the trace.
    var path: String
  }

  private let file: RecordedObject
  private var found: [Found] = []

  static func of(_ file: RecordedObject) -> [Found] {
    var files = DebugFiles(file: file)
    files.search()
    return files.found
  }

  private init(file: RecordedObject) { self.file = file }

  private mutating func search() {
    addUnits(of: file.file.object)
    addPresent(file.path + ".dwp")
    guard let path = mainFile() else { return }
    add(Found(source: path, path: place(ofMainFile: path)))
    guard let debugFile = try? OpenObject(path) else { return }
    addUnits(of: debugFile.object)
    if let link = debugFile.object.sharedDebugLink { addShared(link, of: path) }
  }

  private static func directory(_ path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  private mutating func addPresent(_ path: String) {
    if access(path, R_OK) == 0 { add(Found(source: path, path: path)) }
  }

  private mutating func add(_ file: Found) {
    if !found.contains(file) { found.append(file) }
  }

  /// By the build id, else by the name that the program gives.
  private func mainFile() -> String? {
    let object = file.file.object
    if let path = object.buildID?.debugPath, access(path, R_OK) == 0 { return path }
    guard let link = object.debugLink, !link.name.contains("/") else { return nil }
    let directory = Self.directory(file.path)
    let candidates = [
      "\(directory)/\(link.name)", "\(directory)/.debug/\(link.name)",
      "\(SystemRoot.debugPath)\(directory)/\(link.name)",
    ]
    return candidates.first { $0 != file.path && checksum(ofFile: $0) == link.checksum }
  }

  /// By the build id it is found wherever the program is. A link is followed from where the program really is: that has
  /// to be there too, then.
  private mutating func place(ofMainFile path: String) -> String {
    if let byID = file.file.object.buildID?.debugPath { return byID }
    add(Found(source: file.stored, path: file.path))
    return path
  }

  /// What dwz(1) took out of several files.
  private mutating func addShared(_ link: (name: String, buildID: BuildID), of path: String) {
    if let byID = link.buildID.debugPath, access(byID, R_OK) == 0 { addPresent(byID) }
    var relativeTo = path
    if let resolved = realpath(path, nil) {
      relativeTo = String(cString: resolved)
      free(resolved)
    }
    let named = link.name.hasPrefix("/") ? link.name : Self.directory(relativeTo) + "/" + link.name
    addPresent(named)
  }

  /// gdb finds a unit's file at its own path, which is another machine's then; else below its directory of debug files.
  private mutating func addUnits(of object: ObjectFile) {
    for unit in SplitUnits.units(of: object) {
      let source = unit.name.hasPrefix("/") ? unit.name : unit.directory + "/" + unit.name
      guard source.hasPrefix("/"), access(source, R_OK) == 0 else { continue }
      add(Found(source: source, path: SystemRoot.debugPath + "/" + unit.name))
    }
  }
}

extension BuildID {
  fileprivate var debugPath: String? {
    let digits = description
    guard digits.count > 2 else { return nil }
    return "\(SystemRoot.debugPath)/.build-id/\(digits.prefix(2))/\(digits.dropFirst(2)).debug"
  }
}

/// CRC-32 as debug links have it; nil for a file that can't be read.
private func checksum(ofFile path: String) -> UInt32? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  let polynomial: UInt32 = 0xedb8_8320
  let table = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : polynomial) }
  }
  var value = UInt32.max
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    if count < 0 { return nil }
    if count == 0 { return ~value }
    for byte in buffer[..<count] { value = table[Int((value ^ UInt32(byte)) & 0xff)] ^ value >> 8 }
  }
}
