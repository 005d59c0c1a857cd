package import KernelABI
import Replay
import TraceeControl

/// Where thread-local variables are, by what glibc tells debuggers of its structures: constants `_thread_db_…` in the
/// C library (nptl_db/structs.def of glibc), each three 32-bit words: size in bits, count, and offset.
struct ThreadLocals {
  private let tracee: Tracee
  private let symbols: DynamicSymbols

  init?(_ tracee: Tracee) {
    self.tracee = tracee
    let library = ProcessMaps.read(tracee.tid).first { mapping in
      mapping.fileOffset == 0 && mapping.isReadable && !OwnMemory.owns(mapping.range)
        && DynamicSymbols(tracee, base: mapping.range.start)?["_thread_db_pthread_dtvp"] != nil
    }
    guard let library, let symbols = DynamicSymbols(tracee, base: library.range.start) else { return nil }
    self.symbols = symbols
  }

  private func offset(_ name: String) -> UInt64? {
    guard let address = symbols["_thread_db_" + name], let offset = tracee.read(address + 8, as: UInt32.self) else {
      return nil
    }
    return UInt64(offset)
  }

  /// The address of what lies at `offset` in the thread's copy of a module's variables; nil where the thread has none
  /// yet, or the library doesn't say.
  func address(threadPointer: UInt64, linkMap: UInt64, offset variable: UInt64) -> UInt64? {
    let notAllocated = UInt64.max
    guard let moduleOffset = offset("link_map_l_tls_modid"), let vectorOffset = offset("pthread_dtvp"),
      let module = tracee.read(RemotePointer(linkMap &+ moduleOffset), as: UInt64.self),
      let vector = tracee.read(RemotePointer(threadPointer &+ vectorOffset), as: UInt64.self),
      // An entry of the vector is a pointer and what to free.
      let block = tracee.read(RemotePointer(vector &+ module &* 16), as: UInt64.self)
    else { return nil }
    if block != notAllocated, block != 0 { return block &+ variable }
    guard let tlsOffset = offset("link_map_l_tls_offset"),
      let distance = tracee.read(RemotePointer(linkMap &+ tlsOffset), as: UInt64.self),
      distance != 0, distance < notAllocated - 1
    else { return nil }
    return threadPointer &- distance &+ variable
  }
}

/// The dynamic symbols of a library in a tracee's memory, looked up by name (elf(5), and the GNU hash table's layout as
/// binutils and glibc write and read it).
struct DynamicSymbols {
  private let tracee: Tracee
  private let base: RemotePointer
  private var symbols: RemotePointer = .null
  private var strings: RemotePointer = .null
  private var hashTable: RemotePointer = .null

  private enum Tag {
    static let strings: UInt64 = 5
    static let symbols: UInt64 = 6
    static let gnuHash: UInt64 = 0x6fff_fef5
  }

  /// Nil where no such library is mapped at `base`.
  init?(_ tracee: Tracee, base: RemotePointer) {
    self.tracee = tracee
    self.base = base
    let dynamicType: UInt32 = 2
    guard tracee.readBytes(base, count: 4) == [0x7f, 0x45, 0x4c, 0x46],
      let headers = tracee.read(base + 32, as: UInt64.self), let count = tracee.read(base + 56, as: UInt16.self)
    else { return nil }
    for index in 0..<Int(count) {
      let header = base + headers + 56 * index
      guard tracee.read(header, as: UInt32.self) == dynamicType,
        let address = tracee.read(header + 16, as: UInt64.self)
      else { continue }
      readDynamicSection(base + address)
    }
    if symbols.isNull || strings.isNull || hashTable.isNull { return nil }
  }

  private mutating func readDynamicSection(_ start: RemotePointer) {
    for index in 0..<256 {
      guard let tag = tracee.read(start + 16 * index, as: UInt64.self), tag != 0,
        var value = tracee.read(start + (16 * index + 8), as: UInt64.self)
      else { return }
      // The dynamic linker has made addresses of what the file has as offsets, in most libraries.
      if value < base.rawValue { value &+= base.rawValue }
      switch tag {
      case Tag.strings: strings = RemotePointer(value)
      case Tag.symbols: symbols = RemotePointer(value)
      case Tag.gnuHash: hashTable = RemotePointer(value)
      default: break
      }
    }
  }

  subscript(name: String) -> RemotePointer? {
    let hash = name.utf8.reduce(UInt32(5381)) { $0 &* 33 &+ UInt32($1) }
    guard let bucketCount = tracee.read(hashTable, as: UInt32.self), bucketCount > 0,
      let firstSymbol = tracee.read(hashTable + 4, as: UInt32.self),
      let filterCount = tracee.read(hashTable + 8, as: UInt32.self)
    else { return nil }
    let buckets = hashTable + (16 + 8 * Int(filterCount))
    let chains = buckets + 4 * Int(bucketCount)
    guard var index = tracee.read(buckets + 4 * Int(hash % bucketCount), as: UInt32.self), index >= firstSymbol else {
      return nil
    }
    while let entry = tracee.read(chains + 4 * Int(index - firstSymbol), as: UInt32.self) {
      if entry | 1 == hash | 1, self.name(index) == name {
        return tracee.read(symbols + (24 * Int(index) + 8), as: UInt64.self).map { base + $0 }
      }
      if entry & 1 != 0 { return nil }
      index += 1
    }
    return nil
  }

  private func name(_ index: UInt32) -> String? {
    tracee.read(symbols + 24 * Int(index), as: UInt32.self).flatMap {
      tracee.readText(strings + UInt64($0), limit: 256)
    }
  }
}

extension RecordingView {
  package func threadLocalAddress(
    _ thread: ThreadIdentity, offset: UInt64, linkMap: UInt64
  ) throws(DebugError) -> UInt64 {
    let tracee = try tracee(thread).tracee
    let pointer = try debugging { try tracee.registers().fsBase }
    guard let locals = ThreadLocals(tracee) else {
      throw DebugError("the program's C library doesn't say where thread-local variables are")
    }
    guard let address = locals.address(threadPointer: pointer, linkMap: linkMap, offset: offset) else {
      throw DebugError("the thread has no copy of that variable so far")
    }
    return address
  }
}
