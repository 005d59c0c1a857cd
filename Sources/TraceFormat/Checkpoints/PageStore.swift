import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// Where a page is in the file `pages`: 256 times its block's offset, plus its index there.
package struct PagePlace: RawRepresentable, Equatable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  init(block: UInt64, index: Int) { rawValue = block << 8 | UInt64(index) }

  var block: UInt64 { rawValue >> 8 }
  var index: Int { Int(rawValue & 0xff) }
}

package struct StoredPage: Sendable {
  package var place: PagePlace
  var digest: Digest
}

/// The 64 bytes before a block of pages, all numbers little-endian; behind them the BLAKE2b-256 of each page, and the
/// pages, compressed with zstd:
///
///      0  "rrspages"
///      8  stored byte count        12  pages in the block, 1 to 64
///     16  BLAKE2b-256 of the 16 bytes before it and all that follows the header
///     48  the first 8 bytes of BLAKE2b-256 of the 48 bytes before it
///     56  zero
struct PageBlockHeader {
  static let byteCount = 64
  static let pageCountMax = 64
  /// "rrspages".
  private static let magic: UInt64 = 0x7365_6761_7073_7272

  var storedByteCount: Int
  var pageCount: Int
  var digest = Digest()

  var digestsByteCount: Int { pageCount * Digest.byteCount }
  var fileByteCount: Int { Self.byteCount + digestsByteCount + storedByteCount }

  init(storedByteCount: Int, pageCount: Int) {
    self.storedByteCount = storedByteCount
    self.pageCount = pageCount
  }

  /// Nil where no header is. Preconditions: the buffer has the header's size.
  init?(_ source: UnsafeRawBufferPointer) {
    func number(_ offset: Int) -> UInt64 { source.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian }
    let check = Digest(of: UnsafeRawBufferPointer(rebasing: source[..<48])).words.0
    guard number(0) == Self.magic, number(48) == check.littleEndian else { return nil }
    storedByteCount = Int(number(8) & 0xffff_ffff)
    pageCount = Int(number(8) >> 32)
    digest = Digest(loadingFrom: source.baseAddress.unsafelyUnwrapped + 16)
    guard (1...Self.pageCountMax).contains(pageCount), storedByteCount > 0,
      storedByteCount <= rrs_compress_bound(pageCount * Int(pageSize))
    else { return nil }
  }

  /// Completes a block whose header is to be in the first bytes of `block`.
  static func seal(_ block: UnsafeMutableRawBufferPointer, pageCount: Int) {
    let stored = block.count - byteCount - pageCount * Digest.byteCount
    block.storeBytes(of: magic.littleEndian, toByteOffset: 0, as: UInt64.self)
    block.storeBytes(of: UInt32(stored).littleEndian, toByteOffset: 8, as: UInt32.self)
    block.storeBytes(of: UInt32(pageCount).littleEndian, toByteOffset: 12, as: UInt32.self)
    let digest = digest(of: UnsafeRawBufferPointer(block))
    block.storeBytes(of: digest.words, toByteOffset: 16, as: (UInt64, UInt64, UInt64, UInt64).self)
    let check = Digest(of: UnsafeRawBufferPointer(rebasing: block[..<48])).words.0
    block.storeBytes(of: check, toByteOffset: 48, as: UInt64.self)
    block.storeBytes(of: 0, toByteOffset: 56, as: UInt64.self)
  }

  static func digest(of block: UnsafeRawBufferPointer) -> Digest {
    Digest(
      of: UnsafeRawBufferPointer(rebasing: block[..<16]), UnsafeRawBufferPointer(rebasing: block[byteCount...]))
  }
}

/// Adds pages to the file `pages`, each distinct one once.
final class PageStoreWriter {
  private let file: TraceFile
  private let compressor: OpaquePointer
  private var known: [Digest: PagePlace] = [:]
  /// Where the next block will be.
  private var end: UInt64
  private let pending = ByteBuffer(capacity: PageBlockHeader.pageCountMax * Int(pageSize))
  private var pendingDigests: [Digest] = []
  private let block: ByteBuffer

  init(path: String) throws(TraceError) {
    file = try TraceFile(changing: path)
    guard let compressor = rrs_compressor_create(3) else { preconditionFailure("out of memory") }
    self.compressor = compressor
    let most = rrs_compress_bound(PageBlockHeader.pageCountMax * Int(pageSize))
    block = ByteBuffer(
      capacity: PageBlockHeader.byteCount + PageBlockHeader.pageCountMax * Digest.byteCount + most)
    end = try file.size()
    try learn()
  }

  deinit { rrs_compressor_destroy(compressor) }

  /// Takes the pages of all blocks for known, up to the first one that isn't whole. If that is the last one, which was
  /// being written when its writer ended, it is overwritten: nothing refers to it.
  private func learn() throws(TraceError) {
    var offset: UInt64 = 0
    while offset < end {
      let header = block.prefix(PageBlockHeader.byteCount)
      let isWhole = try file.read(into: header, at: offset) == header.count
      let found = isWhole ? PageBlockHeader(UnsafeRawBufferPointer(header)) : nil
      if isWhole && found == nil { return }
      guard let found, offset + UInt64(found.fileByteCount) <= end else {
        end = offset
        return file.truncate(to: offset)
      }
      let digests = block.prefix(found.digestsByteCount)
      let start = offset + UInt64(PageBlockHeader.byteCount)
      guard try file.read(into: digests, at: start) == digests.count else { return }
      for index in 0..<found.pageCount {
        let start = digests.baseAddress.unsafelyUnwrapped + index * Digest.byteCount
        known[Digest(loadingFrom: start)] = PagePlace(block: offset, index: index)
      }
      offset += UInt64(found.fileByteCount)
    }
  }

  /// Preconditions: the buffer has a page's size.
  func add(_ page: UnsafeRawBufferPointer) throws(TraceError) -> StoredPage {
    let digest = Digest(of: page)
    if let place = known[digest] { return StoredPage(place: place, digest: digest) }
    let place = PagePlace(block: end, index: pendingDigests.count)
    (pending.start + pendingDigests.count * Int(pageSize)).copyMemory(
      from: page.baseAddress.unsafelyUnwrapped, byteCount: Int(pageSize))
    pendingDigests.append(digest)
    known[digest] = place
    if pendingDigests.count == PageBlockHeader.pageCountMax { try writeBlock() }
    return StoredPage(place: place, digest: digest)
  }

  /// Makes all that was added durable.
  func finish() throws(TraceError) {
    try writeBlock()
    try file.synchronize()
  }

  private func writeBlock() throws(TraceError) {
    guard !pendingDigests.isEmpty else { return }
    let start = PageBlockHeader.byteCount + pendingDigests.count * Digest.byteCount
    pendingDigests.withUnsafeBytes {
      (block.start + PageBlockHeader.byteCount).copyMemory(
        from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
    }
    let source = UnsafeRawBufferPointer(pending.prefix(pendingDigests.count * Int(pageSize)))
    let stored = rrs_compress(
      compressor, rrs_bytes(source), (block.start + start).assumingMemoryBound(to: UInt8.self), block.capacity - start)
    guard stored > 0 else { throw .system(operation: "compress pages for", path: file.path, errno: .noMemory) }
    let whole = block.prefix(start + stored)
    PageBlockHeader.seal(whole, pageCount: pendingDigests.count)
    do throws(TraceError) {
      try file.write(UnsafeRawBufferPointer(whole), at: end)
    } catch {
      file.truncate(to: end)
      throw error
    }
    end += UInt64(whole.count)
    pendingDigests.removeAll(keepingCapacity: true)
  }
}

/// Reads pages of the file `pages`. Every block is checked when it is read.
package final class PageStoreReader {
  private let file: TraceFile
  private let decompressor: OpaquePointer
  private let stored: ByteBuffer
  private var blocks: [Block] = []

  private struct Block {
    var offset: UInt64
    var pageCount: Int
    var content: ByteBuffer
  }

  /// Blocks that are kept unpacked: neighbouring pages were changed at different times.
  private static let blockCountMax = 32

  init(_ file: consuming TraceFile) {
    self.file = file
    guard let decompressor = rrs_decompressor_create() else { preconditionFailure("out of memory") }
    self.decompressor = decompressor
    let most = rrs_compress_bound(PageBlockHeader.pageCountMax * Int(pageSize))
    stored = ByteBuffer(
      capacity: PageBlockHeader.byteCount + PageBlockHeader.pageCountMax * Digest.byteCount + most)
  }

  deinit { rrs_decompressor_destroy(decompressor) }

  /// The bytes of a page, valid until the next call.
  package func page(_ place: PagePlace) throws(TraceError) -> UnsafeRawBufferPointer {
    let block = try block(place.block)
    guard place.index < block.pageCount else { throw damage(place.block, "a page is missing from its block") }
    return UnsafeRawBufferPointer(start: block.content.start + place.index * Int(pageSize), count: Int(pageSize))
  }

  private func block(_ offset: UInt64) throws(TraceError) -> Block {
    if let index = blocks.lastIndex(where: { $0.offset == offset }) {
      if index < blocks.count - 1 { blocks.append(blocks.remove(at: index)) }
      return blocks[blocks.count - 1]
    }
    let header = try header(offset)
    let whole = stored.prefix(header.fileByteCount)
    guard try file.read(into: whole, at: offset) == whole.count,
      PageBlockHeader.digest(of: UnsafeRawBufferPointer(whole)) == header.digest
    else { throw damage(offset, "a block of pages doesn't agree with its digest") }
    var buffer: ByteBuffer?
    if blocks.count == Self.blockCountMax { buffer = blocks.removeFirst().content }
    let content = buffer ?? ByteBuffer(capacity: PageBlockHeader.pageCountMax * Int(pageSize))
    let source = UnsafeRawBufferPointer(rebasing: whole[(PageBlockHeader.byteCount + header.digestsByteCount)...])
    guard
      rrs_decompress(
        decompressor, rrs_bytes(source), content.start.assumingMemoryBound(to: UInt8.self),
        header.pageCount * Int(pageSize))
    else { throw damage(offset, "a block of pages can't be unpacked") }
    blocks.append(Block(offset: offset, pageCount: header.pageCount, content: content))
    return blocks[blocks.count - 1]
  }

  private func header(_ offset: UInt64) throws(TraceError) -> PageBlockHeader {
    let bytes = stored.prefix(PageBlockHeader.byteCount)
    guard try file.read(into: bytes, at: offset) == bytes.count,
      let header = PageBlockHeader(UnsafeRawBufferPointer(bytes))
    else { throw damage(offset, "there is no block of pages here") }
    return header
  }

  /// Whether the blocks of these pages are there: their headers, and as many bytes as these say. With `contents` also
  /// whether they agree with their digests. What it returns: bytes in the file.
  @discardableResult
  package func check(_ places: some Sequence<PagePlace>, contents: Bool) throws(TraceError) -> UInt64 {
    let size = try file.size()
    var total: UInt64 = 0
    for offset in Set(places.map(\.block)).sorted() {
      let header = try header(offset)
      guard offset + UInt64(header.fileByteCount) <= size else { throw damage(offset, "the file ends too early") }
      if contents { _ = try block(offset) }
      total += UInt64(header.fileByteCount)
    }
    return total
  }

  private func damage(_ offset: UInt64, _ reason: String) -> TraceError {
    .damaged(TraceDamage(file: file.path, block: nil, fileOffset: offset, reason: reason))
  }
}
