import Glibc
import SystemPackage

/// What the streams of a trace will be, written into the trace before it is done.
///
/// It is the directory `.recover`, made under another name and renamed: it is there as a whole or not at all. `events`,
/// `data`, `mmaps` and `tracees` in it hold 8 bytes with the offset at which that stream's file is cut, the 32 bytes of
/// the digest that the stream has there, and the blocks that are written behind it; `lost/` holds what is cut off. All
/// of it can be done again, from any place where it was left.
struct RecoveryPlan {
  private static let name = ".recover"
  private static let lostName = "lost"
  private static let prefixByteCount = 8 + Digest.byteCount

  let directory: String
  let tails: [StreamTail]
  let lost: [StreamCut]
  /// Where what is cut off will be; nil if it isn't kept.
  let lostDirectory: String?

  init(directory: String, tails: [StreamTail], lost: [StreamCut]) {
    self.directory = directory
    self.tails = tails
    self.lost = lost
    lostDirectory = lost.isEmpty ? nil : Self.unusedLostDirectory(directory)
  }

  private static func path(_ directory: String) -> String { directory + "/" + name }

  private static func unusedLostDirectory(_ directory: String) -> String {
    var number = 1
    while access("\(directory)/\(lostName)/\(number)", F_OK) == 0 { number += 1 }
    return "\(directory)/\(lostName)/\(number)"
  }

  /// Whether an earlier recovery planned what it had no time for.
  static func isPending(directory: String) -> Bool { access(path(directory), F_OK) == 0 }

  // MARK: - Making

  /// Writes it to the disk. From then on `perform` will be done, now or by the next recovery.
  func publish() throws(TraceError) {
    let path = Self.path(directory)
    let new = path + ".new"
    try removeTree(new)
    try makeDirectory(new)
    for tail in tails {
      let file = try TraceFile(creating: new + "/" + tail.stream.fileName)
      let buffer = ByteBuffer(capacity: Self.prefixByteCount + tail.bytes.count)
      let bytes = buffer.prefix(Self.prefixByteCount + tail.bytes.count)
      bytes.storeBytes(of: tail.offset.littleEndian, as: UInt64.self)
      bytes.storeBytes(of: tail.keptDigest.words, toByteOffset: 8, as: (UInt64, UInt64, UInt64, UInt64).self)
      UnsafeMutableRawBufferPointer(rebasing: bytes[Self.prefixByteCount...]).copyBytes(from: tail.bytes)
      try file.write(UnsafeRawBufferPointer(bytes), at: 0)
      try file.synchronize()
    }
    if !lost.isEmpty {
      let lostPath = new + "/" + Self.lostName
      try makeDirectory(lostPath)
      for cut in lost { try keep(cut, in: lostPath) }
      try synchronizeDirectory(lostPath)
    }
    try synchronizeDirectory(new)
    if rename(new, path) != 0 { throw TraceFile.error("create", path) }
    try synchronizeDirectory(directory)
  }

  private func keep(_ cut: StreamCut, in directory: String) throws(TraceError) {
    let source = try TraceFile(reading: self.directory + "/" + cut.stream)
    let target = try TraceFile(creating: "\(directory)/\(cut.stream)-from-\(cut.offset)")
    let chunk = ByteBuffer(capacity: 1 << 20)
    var offset = cut.offset
    while true {
      let count = try source.read(into: chunk.prefix(chunk.capacity), at: offset)
      if count == 0 { break }
      try target.write(UnsafeRawBufferPointer(chunk.prefix(count)), at: offset - cut.offset)
      offset += UInt64(count)
    }
    try target.synchronize()
  }

  // MARK: - Doing

  /// Does what an earlier recovery planned and had no time for. Returns whether there was such a plan.
  static func finishEarlier(directory: String, headerDigest: Digest) throws(TraceError) -> Bool {
    try removeTree(path(directory) + ".new")
    try removeTree(path(directory) + ".done")
    guard access(path(directory), F_OK) == 0 else { return false }
    try perform(directory: directory, headerDigest: headerDigest)
    return true
  }

  static func perform(directory: String, headerDigest: Digest) throws(TraceError) {
    let plan = path(directory)
    for stream in [BlockStream.data, .mmaps, .tracees, .events] {
      try finish(stream, plan + "/" + stream.fileName, directory: directory, headerDigest: headerDigest)
    }
    try BlockIndex.rebuild(directory: directory, headerDigest: headerDigest)
    if access(plan + "/" + lostName, F_OK) == 0 {
      if mkdir(directory + "/" + lostName, 0o700) != 0, errno != EEXIST {
        throw TraceFile.error("create", directory + "/" + lostName)
      }
      let target = unusedLostDirectory(directory)
      if rename(plan + "/" + lostName, target) != 0 { throw TraceFile.error("create", target) }
      try synchronizeDirectory(directory + "/" + lostName)
    }
    try synchronizeDirectory(directory)
    if rename(plan, plan + ".done") != 0 { throw TraceFile.error("remove", plan) }
    try removeTree(plan + ".done")
  }

  private static func finish(
    _ stream: BlockStream, _ path: String, directory: String, headerDigest: Digest
  ) throws(TraceError) {
    let plan = try TraceFile(reading: path)
    let byteCount = Int(try plan.size())
    let buffer = ByteBuffer(capacity: byteCount)
    let bytes = buffer.prefix(byteCount)
    guard byteCount >= prefixByteCount, try plan.read(into: bytes, at: 0) == byteCount else {
      throw .damaged(TraceDamage(file: path, block: nil, fileOffset: 0, reason: "the file is too short"))
    }
    let offset = bytes.loadUnaligned(as: UInt64.self).littleEndian
    let target = try TraceFile(changing: directory + "/" + stream.fileName)
    // The trace may have been changed since: the plan must still fit.
    let file = try StreamFile(directory: directory, stream: stream, headerDigest: headerDigest)
    let digest = try file.digest(at: offset)
    guard digest == Digest(loadingFrom: buffer.start + 8) else {
      throw .damaged(
        TraceDamage(
          file: path, block: nil, fileOffset: 0,
          reason: "this plan of an earlier recovery doesn't fit the trace any more; remove '.recover' there"))
    }
    try target.cut(to: offset)
    try target.write(UnsafeRawBufferPointer(rebasing: bytes[prefixByteCount...]), at: offset)
    try target.synchronize()
  }
}

private func makeDirectory(_ path: String) throws(TraceError) {
  if mkdir(path, 0o700) != 0 { throw TraceFile.error("create", path) }
}
