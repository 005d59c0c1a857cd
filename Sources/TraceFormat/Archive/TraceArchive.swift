import CLinuxShim
import CTraceFormat
import Glibc
import SystemPackage

/// A trace in one file: a tar archive of the trace's directory, whose stored files are compressed.
final class TraceArchive: @unchecked Sendable {
  /// What stored files have behind their names.
  static let compressedSuffix = ".zst"
  /// What the memory file of a stored file is called; no more than 249 bytes (memfd_create(2)).
  static func memoryFileName(_ name: String) -> String {
    "rrs-file:" + String(decoding: name.utf8.prefix(200), as: UTF8.self)
  }

  struct Member {
    var header: TarHeader
    /// Of the content.
    var offset: UInt64
  }

  let path: String
  /// The directory's name.
  let name: String
  private let descriptor: CInt
  private let members: [String: Member]
  /// The targets of links.
  private let links: [String: String]
  private let monitor = Monitor()
  /// The compressed members that were asked for, decompressed.
  private var memoryFiles: [String: CInt] = [:]

  /// Walks the members' headers.
  init(reading path: String) throws(TraceError) {
    self.path = path
    descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 { throw TraceFile.error("open", path) }
    var members: [String: Member] = [:]
    var links: [String: String] = [:]
    var name: String?
    do throws(TraceError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw .notATrace(directory: path, reason: "it is neither a directory nor a file")
      }
      let size = UInt64(max(0, status.st_size))
      let file = try TraceFile(part: 0..<size, of: descriptor, path: path)
      let whole = FileBox(file)
      guard try Self.isArchive(whole) else {
        throw .notATrace(directory: path, reason: "it is neither a trace's directory nor an archive of one")
      }
      var reader = TarReader(path: path) { (buffer, offset) throws(TraceError) in
        try whole.file.read(into: buffer, at: offset)
      }
      while let header = try reader.next() {
        let place = try ArchivedPath(header, reader)
        guard name == nil || name == place.top else { throw reader.damage("the archive has more than one directory") }
        name = place.top
        guard header.size <= size, reader.offset <= size - header.size else {
          throw reader.damage("the archive ends early")
        }
        if header.kind == .file, let inside = place.inside {
          guard members.updateValue(Member(header: header, offset: reader.offset), forKey: inside) == nil else {
            throw reader.damage("the archive has '\(inside)' twice")
          }
        }
        if header.kind == .link, let inside = place.inside { links[inside] = header.target }
        reader.skip(header)
      }
    } catch {
      close(descriptor)
      throw error
    }
    self.members = members
    self.links = links
    self.name = name ?? ""
  }

  deinit {
    for descriptor in memoryFiles.values { close(descriptor) }
    close(descriptor)
  }

  private final class FileBox {
    let file: TraceFile
    init(_ file: consuming TraceFile) { self.file = file }
  }

  /// Whether the first header is one, damaged or not.
  private static func isArchive(_ whole: FileBox) throws(TraceError) -> Bool {
    let buffer = ByteBuffer(capacity: TarHeader.byteCount)
    let target = buffer.prefix(TarHeader.byteCount)
    guard try whole.file.read(into: target, at: 0) == target.count else { return false }
    return Array(target[257..<262]) == Array("ustar".utf8)
  }

  func names(in directory: String) -> [String] {
    members.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
  }

  /// A member that isn't compressed.
  func open(_ name: String) throws(TraceError) -> TraceFile {
    guard let member = members[name] else {
      throw .system(operation: "open", path: pathInside(name), errno: .noSuchFileOrDirectory)
    }
    return try contents(member, name)
  }

  private func contents(_ member: Member, _ name: String) throws(TraceError) -> TraceFile {
    let range = member.offset..<member.offset + member.header.size
    return try TraceFile(part: range, of: descriptor, path: pathInside(name))
  }

  /// How messages name a member.
  private func pathInside(_ name: String) -> String { path + "/" + name }

  /// Throws where there is something between two members.
  func checkGaps() throws(TraceError) {
    let file = try TraceFile(part: 0..<UInt64(Int64.max), of: descriptor, path: path)
    let buffer = ByteBuffer(capacity: TarHeader.byteCount)
    for member in members.values {
      let end = member.offset + member.header.size
      let gap = buffer.prefix(Int(member.header.paddedSize - member.header.size))
      guard try file.read(into: gap, at: end) == gap.count, gap.allSatisfy({ $0 == 0 }) else {
        throw .damaged(
          TraceDamage(
            file: path, block: nil, fileOffset: end, reason: "there is something between two members of the archive"))
      }
    }
  }

  // MARK: - Compressed members

  private func damage(_ name: String, _ reason: String) -> TraceError {
    .damaged(TraceDamage(file: pathInside(name), block: nil, fileOffset: 0, reason: reason))
  }

  private static func inside(ofStoredFile name: String) -> String { StoredFile.directoryName + "/" + name }

  /// A path of the decompressed bytes of a stored file, as long as this is there: a memory file has them.
  func path(ofStoredFile name: String) throws(TraceError) -> String {
    try path(ofCompressed: Self.inside(ofStoredFile: name))
  }

  /// The same of what stands for an absolute path of the recorded machine; nil where nothing does.
  func path(inSystemRoot recorded: String) -> String? {
    guard let components = SystemRoot.components(recorded) else { return nil }
    guard let name = followingLinks([SystemRoot.directoryName] + components),
      members[name + Self.compressedSuffix] != nil
    else { return nil }
    return try? path(ofCompressed: name)
  }

  /// Where a path in the archive leads. Nil: out of it, or in circles.
  private func followingLinks(_ components: [String]) -> String? {
    let linksMax = 40
    var linkCount = 0
    var (done, rest): ([String], [String]) = ([], components)
    while !rest.isEmpty {
      let component = rest.removeFirst()
      if component == ".." {
        guard done.popLast() != nil else { return nil }
        continue
      }
      done.append(component)
      guard let target = links[done.joined(separator: "/")] else { continue }
      linkCount += 1
      guard linkCount <= linksMax else { return nil }
      done.removeLast()
      rest = target.split(separator: "/").map(String.init) + rest
    }
    return done.joined(separator: "/")
  }

  private func path(ofCompressed name: String) throws(TraceError) -> String {
    monitor.lock()
    defer { monitor.unlock() }
    if let descriptor = memoryFiles[name] { return "/proc/\(getpid())/fd/\(descriptor)" }
    let last = name.split(separator: "/").last.map(String.init) ?? name
    let descriptor = CInt(rrs_memfd_create(Self.memoryFileName(last)))
    if descriptor < 0 { throw TraceFile.error("make a memory file for", pathInside(name), -descriptor) }
    do throws(TraceError) {
      var offset: UInt64 = 0
      let file = try TraceFile(part: 0..<UInt64(Int64.max), of: descriptor, path: pathInside(name))
      try decompress(name) { (piece) throws(TraceError) in
        try file.write(piece, at: offset)
        offset += UInt64(piece.count)
      }
    } catch {
      close(descriptor)
      throw error
    }
    memoryFiles[name] = descriptor
    return "/proc/\(getpid())/fd/\(descriptor)"
  }

  private func decompress(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(TraceError) -> Void
  ) throws(TraceError) {
    guard let member = members[name + Self.compressedSuffix] else { throw damage(name, "the file is missing") }
    let file = try contents(member, name)
    let decompressor = StreamDecompressor()
    let buffer = ByteBuffer(capacity: 1 << 20)
    var offset: UInt64 = 0
    while true {
      let count = try file.read(into: buffer.prefix(buffer.capacity), at: offset)
      if count == 0 { break }
      offset += UInt64(count)
      guard try decompressor.add(UnsafeRawBufferPointer(buffer.prefix(count)), body) else {
        throw damage(name, "it can't be decompressed")
      }
    }
    guard decompressor.isDone else { throw damage(name, "it can't be decompressed") }
  }

  /// Why a stored file isn't the one that `mapping` refers to, nil if it is.
  func damage(ofStoredFile name: String, for mapping: MappingRecord, onBytes: (Int) -> Void) -> TraceDamage? {
    let name = Self.inside(ofStoredFile: name)
    do throws(TraceError) {
      let hashing = ContentHash()
      try decompress(name) { (piece) throws(TraceError) in
        hashing.add(piece)
        onBytes(piece.count)
      }
      guard hashing.byteCount == mapping.fileSize, mapping.contentHash.map({ $0 == hashing.finish() }) ?? true else {
        throw damage(name, "this isn't '\(mapping.name)' as it was recorded: its content is another")
      }
      return nil
    } catch {
      if case .damaged(let damage) = error { return damage }
      return TraceDamage(file: pathInside(name), block: nil, fileOffset: 0, reason: "it can't be read: \(error)")
    }
  }
}

/// BLAKE2b-256 of bytes that come in pieces.
final class ContentHash {
  private let hasher: OpaquePointer
  private(set) var byteCount: UInt64 = 0

  init() {
    guard let hasher = rrs_hasher_create() else { preconditionFailure("out of memory") }
    self.hasher = hasher
  }

  deinit { rrs_hasher_destroy(hasher) }

  func add(_ bytes: UnsafeRawBufferPointer) {
    rrs_hasher_add(hasher, rrs_bytes(bytes))
    byteCount += UInt64(bytes.count)
  }

  /// Preconditions: it is the last call.
  func finish() -> Digest {
    var digest = Digest()
    withUnsafeMutableBytes(of: &digest.words) { target in
      rrs_hasher_finish(hasher, target.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }
    return digest
  }
}
