import Glibc
import SystemPackage

/// Writes a trace into a file or a pipe, as one archive: from the start to the end, never back. Preconditions: it is
/// packed. `path` is what messages call the target.
package func writeArchive(
  of directory: String, to descriptor: CInt, path: String, onProgress: (Double) -> Void = { _ in }
) throws(TraceError) {
  let lock = try TraceLock(directory: directory)
  defer { lock.release() }
  _ = try HeaderFile.read(directory: directory)
  var writer = ArchiveWriter(directory: directory, descriptor: descriptor, path: path)
  try writer.write(onProgress)
}

private struct ArchiveWriter {
  let directory: String
  let descriptor: CInt
  let path: String

  private struct Source {
    /// In the directory.
    var name: String
    var status: stat
    var isCompressed: Bool
    /// Of a link.
    var target: String?

    var size: UInt64 { target == nil ? UInt64(max(0, status.st_size)) : 0 }
  }

  /// What readers need first comes first.
  private static let files = ["header", "index", "tracees", "mmaps", "events", "data"]

  mutating func write(_ onProgress: (Double) -> Void) throws(TraceError) {
    var sources: [Source] = []
    for name in Self.files {
      if let source = try source(name, isCompressed: false) { sources.append(source) }
    }
    if access(directory + "/" + CheckpointStore.directoryName, F_OK) == 0 {
      for name in try names(CheckpointStore.directoryName) {
        let path = CheckpointStore.directoryName + "/" + name
        if let source = try source(path, isCompressed: false) { sources.append(source) }
      }
    }
    for name in try names(StoredFile.directoryName) {
      let path = StoredFile.directoryName + "/" + name
      if let source = try source(path, isCompressed: true) { sources.append(source) }
    }
    if access(directory + "/" + SystemRoot.directoryName, F_OK) == 0 {
      try addAll(below: SystemRoot.directoryName, to: &sources)
    }
    let total = sources.reduce(1) { $0 + $1.size }
    let top = directory.split(separator: "/").last.map(String.init) ?? "trace"
    var done: UInt64 = 0
    for source in sources {
      try write(source, top: top)
      done += source.size
      onProgress(Double(done) / Double(total))
    }
    try put([UInt8](repeating: 0, count: 2 * TarHeader.byteCount))
  }

  /// Files and links as they are.
  private func addAll(below inner: String, to sources: inout [Source]) throws(TraceError) {
    for name in try names(inner) {
      let path = inner + "/" + name
      var status = stat()
      if lstat(directory + "/" + path, &status) != 0 { throw TraceFile.error("read", directory + "/" + path) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try addAll(below: path, to: &sources)
      case S_IFREG: sources.append(Source(name: path, status: status, isCompressed: true))
      case S_IFLNK: sources.append(Source(name: path, status: status, isCompressed: false, target: try target(path)))
      default: break
      }
    }
  }

  private func target(_ link: String) throws(TraceError) -> String {
    let buffer = ByteBuffer(capacity: Int(PATH_MAX))
    let start = buffer.start.assumingMemoryBound(to: CChar.self)
    let count = readlink(directory + "/" + link, start, buffer.capacity)
    if count < 0 { throw TraceFile.error("read", directory + "/" + link) }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  private func names(_ inner: String) throws(TraceError) -> [String] {
    let path = directory + "/" + inner
    guard let stream = opendir(path) else { throw TraceFile.error("read", path) }
    defer { closedir(stream) }
    return entryNames(stream).filter { !$0.hasPrefix(".") }.sorted()
  }

  /// Nil where there is no such file. Links are followed: a packed trace may have its files elsewhere.
  private func source(_ name: String, isCompressed: Bool) throws(TraceError) -> Source? {
    var status = stat()
    guard stat(directory + "/" + name, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw TraceFile.error("read", directory + "/" + name)
    }
    return status.st_mode & S_IFMT == S_IFREG ? Source(name: name, status: status, isCompressed: isCompressed) : nil
  }

  private func write(_ source: Source, top: String) throws(TraceError) {
    var header = TarHeader(
      path: top + "/" + source.name, kind: .file, size: source.size, mode: UInt32(source.status.st_mode & 0o777),
      modified: UInt64(max(0, source.status.st_mtim.tv_sec)))
    if let target = source.target {
      header.kind = .link
      header.target = target
      return try put(header.bytes)
    }
    guard source.isCompressed else {
      try put(header.bytes)
      try checkSize(source, header) { (body) throws(TraceError) in
        try forEachPiece(source) { (piece, _) throws(TraceError) in try body(piece) }
      }
      return
    }
    header.path += TraceArchive.compressedSuffix
    // The header comes before the content, and has its size: so it is compressed twice, which needs no space anywhere.
    header.size = 0
    try compress(source) { header.size += UInt64($0.count) }
    try put(header.bytes)
    try checkSize(source, header) { (body) throws(TraceError) in try compress(source, body) }
  }

  /// Puts what `content` gives its argument, and fills the last block.
  private func checkSize(
    _ source: Source, _ header: TarHeader,
    _ content: ((UnsafeRawBufferPointer) throws(TraceError) -> Void) throws(TraceError) -> Void
  ) throws(TraceError) {
    var byteCount: UInt64 = 0
    try content { (piece) throws(TraceError) in
      try put(piece)
      byteCount += UInt64(piece.count)
    }
    guard byteCount == header.size else { throw changed(source) }
    try put([UInt8](repeating: 0, count: Int(header.paddedSize - header.size)))
  }

  private func changed(_ source: Source) -> TraceError {
    .damaged(
      TraceDamage(
        file: directory + "/" + source.name, block: nil, fileOffset: 0, reason: "the file changes while it is read"))
  }

  private func forEachPiece(
    _ source: Source, _ body: (UnsafeRawBufferPointer, _ isLast: Bool) throws(TraceError) -> Void
  ) throws(TraceError) {
    let file = try TraceFile(reading: directory + "/" + source.name)
    let buffer = ByteBuffer(capacity: 1 << 20)
    var offset: UInt64 = 0
    repeat {
      let target = buffer.prefix(Int(min(UInt64(buffer.capacity), source.size - offset)))
      guard try file.read(into: target, at: offset) == target.count else { throw changed(source) }
      offset += UInt64(target.count)
      try body(UnsafeRawBufferPointer(target), offset == source.size)
    } while offset < source.size
  }

  private func compress(
    _ source: Source, _ body: (UnsafeRawBufferPointer) throws(TraceError) -> Void
  ) throws(TraceError) {
    let compressor = StreamCompressor(byteCount: source.size)
    try forEachPiece(source) { (piece, isLast) throws(TraceError) in
      guard try compressor.add(piece, isLast: isLast, body) else { throw changed(source) }
    }
  }

  private func put(_ bytes: [UInt8]) throws(TraceError) {
    let buffer = ByteBuffer(capacity: bytes.count)
    buffer.prefix(bytes.count).copyBytes(from: bytes)
    try put(UnsafeRawBufferPointer(buffer.prefix(bytes.count)))
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(TraceError) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw TraceFile.error("write", path) }
      done += count
    }
  }
}
