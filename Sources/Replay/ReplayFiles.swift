import CLinuxShim
import Execution
import KernelABI
import SystemPackage
import TraceFormat
import TraceeControl

/// The files behind the mappings of a replay: those in the trace, and for shared memory a memory file for each that
/// was recorded, so that every mapper sees what the others write.
final class ReplayFiles {
  private struct Key: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  /// What the names of memory files begin with, behind `rrs-`.
  static let privateName = "private:"
  private static let sharedName = "shared"

  private var reader: TraceReader
  private let force: Bool
  private var shared: [Key: (descriptor: Int32, byteCount: UInt64)] = [:]

  init(reader: TraceReader, force: Bool) {
    self.reader = reader
    self.force = force
  }

  deinit {
    for file in shared.values { _ = rrs_close(file.descriptor) }
  }

  private static func isShared(_ mapping: ProcessMapping) -> Bool {
    mapping.isShared && mapping.name.hasPrefix("/memfd:rrs-\(sharedName)")
  }

  func follow(_ reader: TraceReader) { self.reader = reader }

  // MARK: - Copies

  /// The same contents in files of their own. Mappings still show the old ones.
  func copy() throws -> ReplayFiles {
    let copy = ReplayFiles(reader: reader, force: force)
    for (key, file) in shared {
      let descriptor = try makeMemoryFile(Self.sharedName)
      copy.shared[key] = (descriptor, file.byteCount)
      _ = try check(rrs_ftruncate(descriptor, file.byteCount), "size a memory file")
      try Self.copyBytes(from: file.descriptor, to: descriptor, byteCount: file.byteCount)
    }
    return copy
  }

  private static func copyBytes(from source: Int32, to target: Int32, byteCount: UInt64) throws {
    let chunk = 1 << 20
    try withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 16) { buffer in
      for offset in stride(from: 0, to: byteCount, by: chunk) {
        let count = try check(rrs_pread(source, buffer.baseAddress, chunk, offset), "copy a memory file")
        // What is zero stays a hole.
        guard buffer.prefix(count).contains(where: { $0 != 0 }) else { continue }
        _ = try check(rrs_pwrite(target, buffer.baseAddress, count, offset), "copy a memory file")
      }
    }
  }

  /// Maps these files where the tracees, one of each address space, have those of `original` mapped.
  func replaceMappings(of original: ReplayFiles, in tracees: [Tracee], _ engine: any Engine) throws {
    guard !shared.isEmpty else { return }
    var descriptors: [UInt64: Int32] = [:]
    for (key, file) in original.shared {
      if let inode = FileStatus(descriptor: file.descriptor)?.inode { descriptors[inode] = shared[key]?.descriptor }
    }
    for tracee in tracees {
      for mapping in ProcessMaps.read(tracee.tid) where Self.isShared(mapping) {
        guard let descriptor = descriptors[mapping.inode] else { continue }
        var calls = RemoteCalls()
        let remote = calls.open(tracerDescriptor: descriptor, writable: true)
        calls.add(
          "map shared memory", SyscallNumber.mmap, .value(mapping.range.start.rawValue),
          .value(mapping.range.byteCount), .value(UInt64(UInt32(bitPattern: mapping.protection))),
          .value(UInt64(MapFlag.shared | MapFlag.fixed)), .result(remote), .value(mapping.fileOffset))
        calls.close(remote)
        try tracee.perform(calls)
        if mapping.isExecutable {
          try engine.didChangeMapping(tracee, mapping.range, protection: mapping.protection)
        }
      }
    }
  }

  /// A descriptor of the tracer to map from, and where in it the mapping starts; nil for anonymous memory.
  struct Backing {
    var descriptor: Int32
    var offset: UInt64
    var isShared: Bool
    /// Made for this mapping alone: to be closed after it.
    var isTemporary = false
  }

  func backing(_ record: MappingRecord) throws -> Backing? {
    if record.flags & MapFlag.typeMask != MapFlag.private { return try sharedBacking(record) }
    switch record.source {
    case .zero:
      return nil
    case .data(let range):
      // Its name tells checkpoints where its bytes come from.
      let descriptor = try makeMemoryFile("\(Self.privateName)\(record.event):\(record.range.start.rawValue)")
      let rest = record.fileSize > record.fileOffset ? record.fileSize - record.fileOffset : 0
      let size = record.fileSize == 0 ? record.range.byteCount : max(rest, range.byteCount)
      _ = try check(rrs_ftruncate(descriptor, size), "size a memory file")
      try fill(descriptor, range, at: 0)
      return Backing(descriptor: descriptor, offset: 0, isShared: false, isTemporary: true)
    case .traceFile(let name):
      return Backing(
        descriptor: try open(try reader.path(ofStoredFile: name), record), offset: record.fileOffset, isShared: false,
        isTemporary: true)
    case .outsideFile(let path):
      return Backing(
        descriptor: try open(path, record), offset: record.fileOffset, isShared: false, isTemporary: true)
    }
  }

  private func sharedBacking(_ record: MappingRecord) throws -> Backing {
    let key = Key(device: record.device, inode: record.inode)
    var file = try shared[key] ?? (makeMemoryFile(Self.sharedName), 0)
    if record.fileSize > file.byteCount {
      _ = try check(rrs_ftruncate(file.descriptor, record.fileSize), "size a memory file")
      file.byteCount = record.fileSize
    }
    shared[key] = file
    if case .data(let range) = record.source { try fill(file.descriptor, range, at: record.fileOffset) }
    return Backing(descriptor: file.descriptor, offset: record.fileOffset, isShared: true)
  }

  // MARK: - Checkpoints

  /// The memory behind shared mappings, as a checkpoint keeps it.
  func save(_ pages: inout CheckpointWriter) throws -> [SavedFile] {
    try shared.sorted { ($0.key.device, $0.key.inode) < ($1.key.device, $1.key.inode) }.map { key, file in
      var saved = SavedFile(device: key.device, inode: key.inode, byteCount: file.byteCount)
      saved.pages = try pages.store(file: file.descriptor, byteCount: file.byteCount)
      return saved
    }
  }

  /// The file whose memory a mapping of a tracee shows.
  func identity(of mapping: ProcessMapping) -> (device: UInt64, inode: UInt64)? {
    guard Self.isShared(mapping) else { return nil }
    return shared.first { FileStatus(descriptor: $0.value.descriptor)?.inode == mapping.inode }
      .map { ($0.key.device, $0.key.inode) }
  }

  /// Makes a checkpoint's shared memory.
  func restore(_ files: [SavedFile], _ pages: PageStoreReader) throws {
    for file in files {
      let descriptor = try makeMemoryFile(Self.sharedName)
      shared[Key(device: file.device, inode: file.inode)] = (descriptor, file.byteCount)
      _ = try check(rrs_ftruncate(descriptor, file.byteCount), "size a memory file")
      try file.pages.forEach(in: 0..<UInt64.max) { page, place in
        let bytes = try pages.page(place)
        // The last one may be cut by the file's end.
        let count = min(UInt64(bytes.count), file.byteCount - min(page * pageSize, file.byteCount))
        let written = rrs_pwrite(descriptor, bytes.baseAddress, Int(count), page * pageSize)
        guard try check(written, "fill a memory file") == Int(count) else {
          throw ReplayError.internalError("a memory file could not be filled")
        }
      }
    }
  }

  func sharedDescriptor(device: UInt64, inode: UInt64) -> Int32? {
    shared[Key(device: device, inode: inode)]?.descriptor
  }

  // MARK: - Recorded mappings and writes

  /// A recorded write to a file that is mapped shared.
  func apply(_ write: FileWrite) throws {
    let key = Key(device: write.device, inode: write.inode)
    guard var file = shared[key] else { return }
    if write.newSize != file.byteCount, write.newSize != 0 || write.data.byteCount == 0 {
      _ = try check(rrs_ftruncate(file.descriptor, write.newSize), "size a memory file")
      file.byteCount = write.newSize
      shared[key] = file
    }
    try fill(file.descriptor, write.data, at: write.offset)
  }

  /// Hands the bytes of a data range to `body`, a piece at a time, until it returns false.
  func copyData(_ range: DataRange, _ body: (UnsafeRawBufferPointer, UInt64) throws -> Bool) throws -> Bool {
    var done: UInt64 = 0
    while done < range.byteCount {
      let count = min(range.byteCount - done, 1 << 20)
      let goesOn = try withUnsafeTemporaryAllocation(byteCount: Int(count), alignment: 16) { buffer in
        try reader.readData(DataRange(offset: range.offset + done, byteCount: count), into: buffer)
        return try body(UnsafeRawBufferPointer(buffer), done)
      }
      guard goesOn else { return false }
      done += count
    }
    return true
  }

  private func fill(_ descriptor: Int32, _ range: DataRange, at offset: UInt64) throws {
    _ = try copyData(range) { bytes, done in
      let written = rrs_pwrite(descriptor, bytes.baseAddress, bytes.count, offset + done)
      _ = try check(written, "fill a memory file")
      return written == bytes.count
    }
  }

  private func makeMemoryFile(_ name: String) throws -> Int32 {
    Int32(try check(rrs_memfd_create("rrs-\(name)"), "make a memory file"))
  }

  private func open(_ path: String, _ record: MappingRecord) throws -> Int32 {
    let result = rrs_open(path, 0, 0)
    guard result >= 0 else {
      throw ReplayError.unusableTrace(
        "cannot open '\(path)', which holds the recorded '\(record.name)': \(Errno(rawValue: CInt(-result)))")
    }
    let descriptor = Int32(result)
    do {
      try checkUnchanged(descriptor, path, record)
    } catch {
      _ = rrs_close(descriptor)
      throw error
    }
    return descriptor
  }

  /// A link leads to the original's bytes: if that was written since, they aren't the recorded ones.
  private func checkUnchanged(_ descriptor: Int32, _ path: String, _ record: MappingRecord) throws {
    guard let status = FileStatus(descriptor: descriptor), !force else { return }
    let isOriginal =
      status.device == record.device && status.inode == record.inode
      || !reader.storage.isArchive && StoredFile(path: path).isLinkToOriginal
    if status.byteCount != record.fileSize || isOriginal && status.modified != record.fileModified {
      throw ReplayError.unusableTrace(
        "'\(record.name)' was changed after it was recorded ('\(path)'): the recording can't be replayed with other "
          + "bytes; restore the file, or try with -F")
    }
  }
}
