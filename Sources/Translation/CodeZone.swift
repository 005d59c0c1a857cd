import X86

/// One region of code cache: mapped for execution in the tracees at `base`, and for writing in the tracer at `memory`.
///
/// Translations grow upwards from its start; what is reached seldom (exits, far jumps, literals) grows downwards from
/// its end.
package final class CodeZone {
  package let base: UInt64
  package let byteCount: Int
  let memory: UnsafeMutablePointer<UInt8>
  let number: Int
  /// The offset at which the next translation begins.
  var hot: Int
  /// The offset of the lowest byte in use at the upper end.
  private(set) var cold: Int
  private var literal = 0
  private var literalsLeft = 0
  let recovery: UnsafeMutablePointer<RecoveryMap>
  /// The address of the exit taken by an indirect transfer without a landing.
  private(set) var missExit: UInt64 = 0

  /// The address of the routine that answers cpuid; 0 if there is none.
  private(set) var identityRoutine: UInt64 = 0

  /// No translation begins below this offset, so that offset zero can mean "none".
  private static let firstOffset = 64
  private static let literalsPerLine = 8

  init(base: UInt64, memory: UnsafeMutableRawBufferPointer, number: Int) {
    precondition(memory.count <= CachePosition.offsetCount && memory.count >= 1 << 16 && memory.count & 63 == 0)
    self.base = base
    self.memory = memory.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
    self.number = number
    byteCount = memory.count
    recovery = .allocate(capacity: 1)
    recovery.initialize(to: RecoveryMap())
    hot = Self.firstOffset
    cold = byteCount
    writeMissExit()
  }

  /// The same zone in another address space: `memory` takes on the contents.
  init(copying other: CodeZone, memory: UnsafeMutableRawBufferPointer) {
    precondition(memory.count == other.byteCount)
    base = other.base
    number = other.number
    byteCount = other.byteCount
    self.memory = memory.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
    hot = other.hot
    cold = other.cold
    literal = other.literal
    literalsLeft = other.literalsLeft
    missExit = other.missExit
    identityRoutine = other.identityRoutine
    recovery = .allocate(capacity: 1)
    recovery.initialize(to: RecoveryMap(copying: other.recovery.pointee))
    self.memory.update(from: other.memory, count: hot)
    (self.memory + cold).update(from: other.memory + cold, count: byteCount - cold)
  }

  deinit { recovery.deinitialize(count: 1).deallocate() }

  /// The bytes between the two ends.
  var room: Int { cold - hot }

  /// The bytes in use.
  package var usedByteCount: Int { byteCount - room }

  package func contains(_ address: UInt64) -> Bool { address &- base < UInt64(byteCount) }

  func address(_ offset: Int) -> UInt64 { base &+ UInt64(offset) }

  func offset(of address: UInt64) -> Int { Int(address &- base) }

  /// Forgets all translations. The caller forgets everything that leads here.
  func removeAll() {
    hot = Self.firstOffset
    cold = byteCount
    literalsLeft = 0
    recovery.pointee.removeAll()
    writeMissExit()
  }

  // MARK: - The upper end

  /// Whether an exit or a jump more can be added outside of the writing of a unit, which has its room reserved.
  var hasRoomForExit: Bool { room > 128 }

  /// Room for `count` bytes at the upper end; a writer for them.
  func coldWriter(_ count: Int) -> CodeWriter {
    precondition(room >= count, "a code zone's ends meet")
    cold -= count
    return CodeWriter(memory: memory, base: base, offset: cold)
  }

  /// The address of eight bytes that hold `value`. Literals share cache lines with each other, not with exits.
  func literalAddress(_ value: UInt64) -> UInt64 {
    if literalsLeft == 0 {
      cold = (cold & ~63) - 64
      literal = cold
      literalsLeft = Self.literalsPerLine
    }
    UnsafeMutableRawPointer(memory + literal).storeBytes(of: value, as: UInt64.self)
    defer {
      literal += 8
      literalsLeft -= 1
    }
    return address(literal)
  }

  /// The offset of a new exit that names `link`.
  func addLinkExit(_ link: Int) -> Int {
    var writer = coldWriter(ExitStub.linkByteCount)
    let start = writer.offset
    writer.trap()
    writer.byte(ExitStub.Kind.link.rawValue)
    writer.dword(UInt32(link))
    return start
  }

  /// The address of a new exit at which the ticks have run out and the application goes on at `address`.
  func addTickExit(_ address: UInt64) -> UInt64 {
    var writer = coldWriter(10)
    let start = writer.address
    writer.trap()
    writer.byte(ExitStub.Kind.tick.rawValue)
    writer.qword(address)
    return start
  }

  /// The offset of a new jump to any address.
  func addFarJump(to address: UInt64) -> Int {
    var writer = coldWriter(14)
    let start = writer.offset
    writer.jumpFar(to: address)
    return start
  }

  func writeIdentityRoutine(_ routine: IdentityRoutine) {
    var writer = coldWriter(routine.byteCount)
    identityRoutine = routine.write(&writer)
  }

  private func writeMissExit() {
    var writer = coldWriter(2)
    missExit = writer.address
    writer.trap()
    writer.byte(ExitStub.Kind.miss.rawValue)
  }

  // MARK: - Patching

  /// Makes the 32-bit distance at `field` lead to `offset` in this zone.
  func patch(_ field: Int, toOffset offset: Int) {
    let distance = Int32(truncatingIfNeeded: offset - (field + 4))
    UnsafeMutableRawPointer(memory + field).storeBytes(of: distance, as: Int32.self)
  }

  func readQword(_ offset: Int) -> UInt64 { UnsafeRawPointer(memory + offset).loadUnaligned(as: UInt64.self) }
  func readDword(_ offset: Int) -> UInt32 { UnsafeRawPointer(memory + offset).loadUnaligned(as: UInt32.self) }
}
