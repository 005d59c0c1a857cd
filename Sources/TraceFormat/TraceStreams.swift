import SystemPackage

/// The opened block streams of a trace, and how much of them can be used.
final class TraceStreams {
  let events: StreamFile
  let data: StreamFile
  let mmaps: StreamFile
  let tracees: StreamFile

  init(_ storage: TraceStorage, headerDigest: Digest) throws(TraceError) {
    func open(_ stream: BlockStream) throws(TraceError) -> StreamFile {
      do throws(TraceError) {
        return try StreamFile(storage, stream: stream, headerDigest: headerDigest)
      } catch {
        guard case .system(_, let path, .noSuchFileOrDirectory) = error else { throw error }
        throw .damaged(TraceDamage(file: path, block: nil, fileOffset: 0, reason: "the file is missing"))
      }
    }
    events = try open(.events)
    data = try open(.data)
    mmaps = try open(.mmaps)
    tracees = try open(.tracees)
    readIndex(storage)
    for file in all { try file.scan() }
  }

  var all: [StreamFile] { [events, data, mmaps, tracees] }

  /// Takes over the index as far as it goes. It is only a shortcut: where it is missing, short or wrong, the headers
  /// in the streams themselves are walked.
  private func readIndex(_ storage: TraceStorage) {
    let files = all.sorted { $0.stream.rawValue < $1.stream.rawValue }
    let chunk = ByteBuffer(capacity: BlockHeader.byteCount * 512)
    var offset: UInt64 = 0
    do {
      let index = try storage.open(BlockIndex.fileName)
      while true {
        let count = try index.read(into: chunk.prefix(chunk.capacity), at: offset) / BlockHeader.byteCount
        if count == 0 { return }
        for entry in 0..<count {
          let start = chunk.start + entry * BlockHeader.byteCount
          let header = try BlockHeader(checking: UnsafeRawBufferPointer(start: start, count: BlockHeader.byteCount))
          guard files[Int(header.stream.rawValue)].acceptFromIndex(header) else { return }
        }
        offset += UInt64(count * BlockHeader.byteCount)
      }
    } catch {
      return
    }
  }

  /// Why the other streams don't hold what this block of events needs.
  enum Lack {
    /// They end before it: the trace was cut short.
    case cut
    case damaged(TraceDamage)
  }

  /// Nil if everything that this block needs is there.
  func lack(for header: BlockHeader) -> Lack? {
    let needs = [
      (data, header.neededDataByteCount), (mmaps, header.neededMappingCount), (tracees, header.neededTraceeCount),
    ]
    let lacking = needs.filter { $0.0.recordCount < $0.1 }
    for (file, _) in lacking {
      if case .damaged(let damage) = file.ending { return .damaged(damage) }
    }
    return lacking.isEmpty ? nil : .cut
  }

  /// The header of the last block of events that has all it needs, as far as headers can be read.
  func lastUsableEvents() -> BlockHeader? {
    guard let last = events.lastHeader else { return nil }
    if lack(for: last) == nil { return last }
    let cursor = BlockCursor(events)
    // Needs only grow: from the last indexed block that is usable it isn't far.
    for entry in events.index.entries.reversed() {
      var usable: BlockHeader?
      do throws(TraceError) {
        try cursor.seek(to: entry.first) { $0.first < entry.first }
        while let header = try cursor.peekHeader(), lack(for: header) == nil {
          usable = header
          cursor.skip(header)
        }
      } catch {
        // Reading that far will meet the damage again, and tell.
      }
      if let usable { return usable }
    }
    return nil
  }
}
