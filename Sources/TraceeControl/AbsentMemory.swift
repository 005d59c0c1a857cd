import CLinuxShim
package import KernelABI
import SystemPackage

/// Memory of an address space that isn't there yet: what a persistent checkpoint holds of it is brought in when it is
/// first touched.
///
/// Absent memory is mapped without any rights. The tracer's reads and writes fill in what they touch; the program's
/// first touch also gives it the rights that the program knows it by.
package struct AbsentMemory {
  /// What is brought in at once, in bytes.
  package static let cellByteCount: UInt64 = 64 * pageSize

  package struct Piece {
    package var range: RemoteRange
    /// PROT_* of mmap(2), as the program set it.
    package var protection: Int32
    /// Its bytes are there, though its rights aren't.
    package var isFilled = false
  }

  private let source: any AbsentMemorySource
  /// By cell: the address divided by the cell's size. Pieces lie in one cell each.
  private var cells: [UInt64: [Piece]] = [:]
  /// Why bytes could not be brought in: nothing can be trusted any more.
  package fileprivate(set) var failure: String?

  package init(source: any AbsentMemorySource) { self.source = source }

  package var isEmpty: Bool { cells.isEmpty }

  /// Adds memory that is to be brought in later.
  package mutating func add(_ range: RemoteRange, protection: Int32) {
    var start = range.start.rawValue
    while start < range.end.rawValue {
      let cell = start / Self.cellByteCount
      let end = min((cell + 1) * Self.cellByteCount, range.end.rawValue)
      cells[cell, default: []].append(
        Piece(range: RemoteRange(RemotePointer(start), RemotePointer(end)), protection: protection))
      start = end
    }
  }

  /// The pieces that overlap a range, in the order of their addresses.
  package func pieces(in range: RemoteRange) -> [Piece] {
    guard !range.isEmpty else { return [] }
    let first = range.start.rawValue / Self.cellByteCount, last = (range.end.rawValue - 1) / Self.cellByteCount
    let keys =
      last - first < UInt64(cells.count) ? (first...last).filter { cells[$0] != nil }
      : cells.keys.filter { (first...last).contains($0) }.sorted()
    return keys.flatMap { cells[$0] ?? [] }
      .filter { $0.range.overlaps(range) }
      .sorted { $0.range.start < $1.range.start }
  }

  fileprivate mutating func remove(_ piece: Piece) {
    let cell = piece.range.start.rawValue / Self.cellByteCount
    cells[cell]?.removeAll { $0.range.start == piece.range.start }
    if cells[cell]?.isEmpty ?? false { cells[cell] = nil }
  }

  fileprivate mutating func noteFilled(_ piece: Piece) {
    let cell = piece.range.start.rawValue / Self.cellByteCount
    guard let index = cells[cell]?.firstIndex(where: { $0.range.start == piece.range.start }) else { return }
    cells[cell]?[index].isFilled = true
  }

  fileprivate func read(_ range: RemoteRange, _ body: (RemotePointer, UnsafeRawBufferPointer) throws -> Void) throws {
    try source.read(range, body)
  }
}

/// Where absent memory comes from.
package protocol AbsentMemorySource: AnyObject {
  /// Hands the pages of a range that aren't as they are mapped to `body`, one by one.
  func read(_ range: RemoteRange, _ body: (RemotePointer, UnsafeRawBufferPointer) throws -> Void) throws
}

extension Tracee {
  /// Fills in the bytes of a range, without the program's rights. False where that failed.
  @discardableResult
  func fillAbsent(_ range: RemoteRange) -> Bool {
    guard let absent = addressSpace.absent else { return true }
    for piece in absent.pieces(in: range) where !piece.isFilled {
      do {
        try openMemoryFile { memory in
          try absent.read(piece.range) { address, bytes in
            let count = rrs_pwrite(memory, bytes.baseAddress, bytes.count, address.rawValue)
            guard count == bytes.count else {
              throw KernelError("write at \(address)", tid: tid, errno: Errno(rawValue: CInt(max(0, -count))))
            }
          }
        }
      } catch {
        addressSpace.absent?.failure =
          "memory at \(piece.range.start) can't be brought back from a checkpoint: \(error)"
        return false
      }
      addressSpace.absent?.noteFilled(piece)
    }
    return true
  }

  /// Fills in all that is absent.
  package func fillAllAbsent() {
    if addressSpace.absent != nil { fillAbsent(.all) }
  }

  /// Makes the memory of a range what it is for the program: its bytes and its rights.
  ///
  /// Preconditions: as those of `remoteCall`.
  package func bringIn(_ range: RemoteRange) throws {
    guard let absent = addressSpace.absent else { return }
    for piece in absent.pieces(in: range) {
      guard fillAbsent(piece.range) else { throw AbsentMemoryError(text: addressSpace.absent?.failure ?? "") }
      _ = try checkedRemoteCall(
        "give memory from a checkpoint its rights", SyscallNumber.mprotect, piece.range.start.rawValue,
        piece.range.byteCount, UInt64(UInt32(bitPattern: piece.protection)))
      addressSpace.absent?.remove(piece)
    }
    if addressSpace.absent?.isEmpty ?? false { addressSpace.absent = nil }
  }

  /// Everything, before the program does what nobody follows.
  package func bringInAll() throws { try bringIn(.all) }

  /// A range is about to be mapped over or unmapped: what is absent of it need not be brought in.
  ///
  /// Preconditions: as those of `remoteCall`.
  package func forgetAbsent(_ range: RemoteRange) throws {
    guard let absent = addressSpace.absent else { return }
    for piece in absent.pieces(in: range) {
      if range.start <= piece.range.start, piece.range.end <= range.end {
        addressSpace.absent?.remove(piece)
      } else {
        try bringIn(piece.range)
      }
    }
    if addressSpace.absent?.isEmpty ?? false { addressSpace.absent = nil }
  }

  /// If the tracee was stopped by its first touch of absent memory: brings that in. True: it can run on as it was.
  func bringInTouched(_ status: WaitStatus) throws -> Bool {
    guard let absent = addressSpace.absent, status == .signalStop(.segmentationFault) else { return false }
    let info = try Ptrace.signalInfo(tid)
    guard info.isFault, absent.pieces(in: RemoteRange(info.address, byteCount: 1)).first != nil else { return false }
    try bringIn(RemoteRange(info.address, byteCount: 1))
    return true
  }
}

/// Memory can't be brought back.
package struct AbsentMemoryError: Error, CustomStringConvertible {
  package var text: String

  package init(text: String) { self.text = text }

  package var description: String { text }
}
