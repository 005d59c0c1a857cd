import CLinuxShim
import KernelABI

/// Memory for a table that only grows: pages of its own, which the kernel moves to where there is room for more, so
/// that no copy is ever made, and what was given back isn't left as a hole in the heap.
struct GrowingMemory<Element: BitwiseCopyable>: ~Copyable {
  private(set) var capacity: Int
  private(set) var start: UnsafeMutablePointer<Element>

  private static var granule: Int { 1 << 16 }
  private static func byteCount(_ capacity: Int) -> Int {
    (capacity * MemoryLayout<Element>.stride + granule - 1) & ~(granule - 1)
  }

  /// Zeros, for at least `minimumCapacity` elements.
  init(minimumCapacity: Int) {
    let byteCount = Self.byteCount(minimumCapacity)
    let readWrite: UInt = 3, privateAnonymous: UInt = 0x22
    let result = rrs_syscall(
      SyscallNumber.mmap, 0, UInt(byteCount), readWrite, privateAnonymous, UInt.max, 0)
    start = Self.pointer(result)
    capacity = byteCount / MemoryLayout<Element>.stride
  }

  deinit {
    _ = rrs_syscall(
      SyscallNumber.munmap, UInt(bitPattern: start), UInt(Self.byteCount(capacity)), 0, 0, 0, 0)
  }

  /// Makes room for twice as many elements; those there are stay.
  mutating func grow() {
    let mayMove: UInt = 1
    let byteCount = Self.byteCount(capacity)
    let result = rrs_syscall(
      SyscallNumber.mremap, UInt(bitPattern: start), UInt(byteCount), UInt(byteCount * 2), mayMove, 0, 0)
    start = Self.pointer(result)
    capacity = byteCount * 2 / MemoryLayout<Element>.stride
  }

  private static func pointer(_ result: Int) -> UnsafeMutablePointer<Element> {
    guard result > 0, let address = UnsafeMutableRawPointer(bitPattern: result) else {
      fatalError("no memory for the tables of translations")
    }
    return address.assumingMemoryBound(to: Element.self)
  }
}
