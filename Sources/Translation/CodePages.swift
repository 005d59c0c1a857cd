import X86

/// What the reader of application memory says of a page of code.
package enum CodePageStability: Sendable {
  /// The contents can't change without the translator being told by `invalidate`.
  case stable
  /// The contents may change at any time until the page is protected, which happens when the translator reports
  /// having translated from it. Nothing else may be concluded from such a page's bytes.
  case changeable
}

/// Copies of the application's code pages, and the decoding of instructions from them.
struct CodePages: ~Copyable {
  typealias Reader = (_ pageAddress: UInt64, _ destination: UnsafeMutableRawBufferPointer) -> CodePageStability?

  private struct Page {
    var bytes: UnsafeMutablePointer<UInt8>
    var stability: CodePageStability
  }

  private let reader: Reader
  private var pages: [Page] = []
  private var unused: [UnsafeMutablePointer<UInt8>] = []
  private var numbers = AddressTable(minimumCapacity: 256)
  private var recentAddress = UInt64.max
  private var recent = 0
  private let stitched: UnsafeMutablePointer<UInt8>
  private let decoder = InstructionDecoder()
  private(set) var readCount = 0

  static let pageByteCount = 4096
  /// Decoding and copying may read this far beyond an instruction's start.
  static let windowByteCount = 16
  private static let pageCountMax = 4096
  private static let unreadable = UInt32.max

  init(reader: @escaping Reader) {
    self.reader = reader
    stitched = .allocate(capacity: 2 * Self.windowByteCount)
    stitched.initialize(repeating: 0, count: 2 * Self.windowByteCount)
  }

  deinit {
    for page in pages { page.bytes.deallocate() }
    for bytes in unused { bytes.deallocate() }
    stitched.deallocate()
  }

  /// The instruction at `address` and, until the next call, where its bytes are: 16 are readable.
  @inline(__always)
  mutating func decode(_ address: UInt64) -> (Instruction, UnsafePointer<UInt8>)? {
    guard let page = page(address) else { return nil }
    let offset = Int(address & 0xFFF)
    if offset <= Self.pageByteCount - Self.windowByteCount {
      let bytes = UnsafePointer(pages[page].bytes + offset)
      guard let instruction = decoder.decode(bytes, count: Instruction.byteCountMax) else { return nil }
      return (instruction, bytes)
    }
    return decodeAtEnd(address, page)
  }

  /// Whether the page that holds `address` is stable.
  mutating func isStable(_ address: UInt64) -> Bool {
    guard let page = page(address) else { return false }
    return pages[page].stability == .stable
  }

  func registersUsed(_ bytes: UnsafePointer<UInt8>, _ instruction: Instruction) -> RegisterSet? {
    decoder.registersUsed(bytes, count: Int(instruction.length))
  }

  /// Drops the copies of pages that may change, and of all if there are too many; called between requests.
  mutating func dropUnreliable() {
    var unreliable = pages.count > Self.pageCountMax || hasUnreadable
    if !unreliable { for page in pages where page.stability == .changeable { unreliable = true } }
    if unreliable { removeAll() }
  }

  mutating func removeAll() {
    for page in pages { unused.append(page.bytes) }
    pages.removeAll(keepingCapacity: true)
    numbers.removeAll()
    recentAddress = .max
    hasUnreadable = false
  }

  private var hasUnreadable = false

  private mutating func decodeAtEnd(_ address: UInt64, _ page: Int) -> (Instruction, UnsafePointer<UInt8>)? {
    let offset = Int(address & 0xFFF)
    let here = Self.pageByteCount - offset
    (stitched + here).update(repeating: 0, count: 2 * Self.windowByteCount - here)
    stitched.update(from: pages[page].bytes + offset, count: here)
    // An instruction that ends on this page doesn't depend on the next one.
    if let instruction = decoder.decode(stitched, count: here) { return (instruction, UnsafePointer(stitched)) }
    guard let next = self.page(address &+ UInt64(here)) else { return nil }
    (stitched + here).update(from: pages[next].bytes, count: Self.windowByteCount)
    guard let instruction = decoder.decode(stitched, count: Instruction.byteCountMax) else { return nil }
    return (instruction, UnsafePointer(stitched))
  }

  @inline(__always)
  private mutating func page(_ address: UInt64) -> Int? {
    let pageAddress = address & ~0xFFF
    if pageAddress == recentAddress { return recent }
    return findPage(pageAddress)
  }

  @inline(never)
  private mutating func findPage(_ pageAddress: UInt64) -> Int? {
    if let number = numbers[pageAddress] {
      if number == Self.unreadable { return nil }
      recentAddress = pageAddress
      recent = Int(number)
      return recent
    }
    let bytes = unused.popLast() ?? .allocate(capacity: Self.pageByteCount)
    let destination = UnsafeMutableRawBufferPointer(start: bytes, count: Self.pageByteCount)
    guard let stability = reader(pageAddress, destination) else {
      unused.append(bytes)
      numbers.set(pageAddress, Self.unreadable)
      hasUnreadable = true
      return nil
    }
    readCount += 1
    pages.append(Page(bytes: bytes, stability: stability))
    numbers.set(pageAddress, UInt32(pages.count - 1))
    recentAddress = pageAddress
    recent = pages.count - 1
    return recent
  }
}
