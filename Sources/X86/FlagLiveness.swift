/// Where a liveness scan gets its instructions from.
package protocol InstructionSource {
  /// The instruction at `address`; nil where there is none, or none that the scan may rely on.
  mutating func instruction(at address: UInt64) -> Instruction?
}

/// Which status flags can matter to the code at an address.
///
/// The scan follows the code forward until every status flag has been overwritten or read. It follows direct jumps and
/// calls and both ways of conditional jumps; at returns, indirect transfers, system calls, anything it doesn't know,
/// and when its budget ends, it takes the flags not yet overwritten to be live, which is always safe to believe.
///
/// Each flag is judged by itself: a scan that begins on the way of one that found all flags dead finds those dead that
/// haven't been overwritten on the way, because it takes no step for them that the other one didn't. A scan for several
/// flags at once could use up its budget looking for the end of one, and then believe in all the others.
package enum FlagLiveness {
  /// Nearly all scans that find the flags dead do so within ten instructions.
  package static let stepCountMax = 32

  /// Ways not taken yet, and the flags that matter there.
  private struct Pending {
    var addresses: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var flags: (StatusFlags, StatusFlags, StatusFlags, StatusFlags) = (.none, .none, .none, .none)
    var count = 0
    static let countMax = 4

    mutating func push(_ address: UInt64, _ needed: StatusFlags) {
      withUnsafeMutableBytes(of: &addresses) { $0.storeBytes(of: address, toByteOffset: count * 8, as: UInt64.self) }
      withUnsafeMutableBytes(of: &flags) { $0[count] = needed.rawValue }
      count += 1
    }

    mutating func pop() -> (UInt64, StatusFlags) {
      count -= 1
      return (
        withUnsafeBytes(of: addresses) { $0.load(fromByteOffset: count * 8, as: UInt64.self) },
        withUnsafeBytes(of: flags) { StatusFlags(rawValue: $0[count]) }
      )
    }
  }

  /// Whether any status flag is live at `address`.
  package static func areFlagsLive(at address: UInt64, _ source: inout some InstructionSource) -> Bool {
    isAnyLive(of: .all, at: address, &source)
  }

  /// The status flags that may be live at `address`.
  package static func liveFlags(at address: UInt64, _ source: inout some InstructionSource) -> StatusFlags {
    guard isAnyLive(of: .all, at: address, &source) else { return .none }
    var live = StatusFlags.none
    for bit in 0..<StatusFlags.count {
      let flag = StatusFlags(rawValue: 1 << UInt8(bit))
      if isAnyLive(of: flag, at: address, &source) { live.formUnion(flag) }
    }
    return live
  }

  private static func isAnyLive(
    of flags: StatusFlags, at address: UInt64, _ source: inout some InstructionSource
  ) -> Bool {
    var at = address
    var needed = flags
    var pending = Pending()
    for _ in 0..<stepCountMax {
      // Where the scan can't go on, what is still needed is live.
      guard let instruction = source.instruction(at: at), instruction.flagsRead.isDisjoint(with: needed) else {
        return true
      }
      needed.subtract(instruction.flagsKilled)
      if needed.isEmpty {
        if pending.count == 0 { return false }
        (at, needed) = pending.pop()
      } else if !advance(&at, needed, instruction, &pending) {
        return true
      }
    }
    return true
  }

  /// Moves `at` behind `instruction`. False if it isn't known where that is.
  private static func advance(
    _ at: inout UInt64, _ needed: StatusFlags, _ instruction: Instruction, _ pending: inout Pending
  ) -> Bool {
    switch instruction.kind {
    case .sequential, .rdtsc, .rdtscp, .rdpmc, .cpuid, .rdrand, .rdseed, .rdpid, .xgetbv, .stateSave:
      at &+= UInt64(instruction.length)
    case .jump, .call:
      at = instruction.target(at: at)
    case .conditionalJump, .counterJump:
      if pending.count == Pending.countMax { return false }
      pending.push(instruction.target(at: at), needed)
      at &+= UInt64(instruction.length)
    default:
      return false
    }
    return true
  }
}
