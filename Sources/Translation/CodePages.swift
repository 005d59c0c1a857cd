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
  /// Indices of `pages` that no address refers to.
  private var unused: [Int] = []
  /// The pages that have to be read anew by the next request: those that may change, and those that couldn't be read.
  private var unreliable: [UInt64] = []
  private var numbers = AddressTable(minimumCapacity: 256)
  private var recentAddress = UInt64.max
  private var recent = 0
  private let stitched: UnsafeMutablePointer<UInt8>
  private let decoder = InstructionDecoder()
  private(set) var readCount = 0

  static let pageByteCount = 4096
  /// Decoding and copying may read this far beyond an instruction's start.
  static let windowByteCount = 16
  private static let pageCountMax = 256
  private static let unreadable = UInt32.max

  init(reader: @escaping Reader) {
    self.reader = reader
    stitched = .allocate(capacity: 2 * Self.windowByteCount)
    stitched.initialize(repeating: 0, count: 2 * Self.windowByteCount)
  }

  deinit {
    for page in pages { page.bytes.deallocate() }
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

  /// The instruction at `address` as one that stores processor state.
  mutating func stateSave(_ address: UInt64) -> StateSave? {
    guard let (instruction, bytes) = decode(address), instruction.kind == .stateSave else { return nil }
    return decoder.stateSave(bytes, count: Int(instruction.length))
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
    if pages.count - unused.count > Self.pageCountMax { removeAll() }
    guard !unreliable.isEmpty else { return }
    for address in unreliable { remove(address) }
    unreliable.removeAll(keepingCapacity: true)
  }

  /// Drops the copies of the pages in `range`, whose ends are pages' starts.
  mutating func removeAll(in range: Range<UInt64>) {
    if (range.upperBound - range.lowerBound) / UInt64(Self.pageByteCount) > UInt64(numbers.count) {
      for address in numbers.allKeys where range.contains(address) { remove(address) }
    } else {
      var address = range.lowerBound
      while address < range.upperBound {
        remove(address)
        address += UInt64(Self.pageByteCount)
      }
    }
  }

  mutating func removeAll() {
    unused = Array(pages.indices)
    numbers.removeAll()
    unreliable.removeAll(keepingCapacity: true)
    recentAddress = .max
  }

  private mutating func remove(_ address: UInt64) {
    guard let number = numbers[address] else { return }
    if number != Self.unreadable { unused.append(Int(number)) }
    numbers.remove(address)
    recentAddress = .max
  }

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
    let index = unused.popLast() ?? addPage()
    let destination = UnsafeMutableRawBufferPointer(start: pages[index].bytes, count: Self.pageByteCount)
    guard let stability = reader(pageAddress, destination) else {
      unused.append(index)
      unreliable.append(pageAddress)
      numbers.set(pageAddress, Self.unreadable)
      return nil
    }
    readCount += 1
    pages[index].stability = stability
    if stability == .changeable { unreliable.append(pageAddress) }
    numbers.set(pageAddress, UInt32(index))
    recentAddress = pageAddress
    recent = index
    return recent
  }

  private mutating func addPage() -> Int {
    pages.append(Page(bytes: .allocate(capacity: Self.pageByteCount), stability: .stable))
    return pages.count - 1
  }
}
