import X86

/// What cpuid is to answer for a leaf, and for one subleaf or all of them.
package struct IdentityAnswer: Sendable, Equatable {
  package var leaf: UInt32
  /// Nil: the answer doesn't depend on it.
  package var subleaf: UInt32?
  package var eax, ebx, ecx, edx: UInt32

  package init(leaf: UInt32, subleaf: UInt32?, eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    self.leaf = leaf
    self.subleaf = subleaf
    self.eax = eax
    self.ebx = ebx
    self.ecx = ecx
    self.edx = edx
  }
}

/// Code in a zone that answers cpuid from a table, without a stop: programs ask some fifty times when they start.
///
/// It is entered with the leaf in eax, the subleaf in ecx and the address to go on at in rbx, which cpuid overwrites
/// like rdx. It compares without touching flags, which cpuid leaves alone. For what isn't in the table it goes back to
/// the exit in front of the address in rbx.
struct IdentityRoutine {
  /// The exit that follows the jump to the routine: `int3`, its kind, the instruction's kind.
  static let exitByteCount = 3
  private static let byteCountPerTest = 15
  private static let byteCountPerAnswer = 27

  private let groups: [(leaf: UInt32, answers: [IdentityAnswer])]

  init(_ answers: [IdentityAnswer]) {
    var groups: [(leaf: UInt32, answers: [IdentityAnswer])] = []
    for answer in answers {
      if let index = groups.firstIndex(where: { $0.leaf == answer.leaf }) {
        groups[index].answers.append(answer)
      } else {
        groups.append((answer.leaf, [answer]))
      }
    }
    self.groups = groups
  }

  /// No less than `write` needs.
  var byteCount: Int {
    64 + groups.reduce(0) { $0 + Self.byteCountPerTest + 8
      + $1.answers.count * (Self.byteCountPerTest + Self.byteCountPerAnswer) }
  }

  /// Writes the routine, and returns its address.
  func write(_ writer: inout CodeWriter) -> UInt64 {
    let unknown = writer.offset
    // mov ecx, edx; mov rbx, [return]; lea rbx, [rbx - exit]; jmp rbx
    writer.byte(0x89)
    writer.byte(0xD1)
    writer.load(.rbx, absolute: RuntimeLayout.identityReturn)
    for byte in [0x48, 0x8D, 0x5B, UInt8(truncatingIfNeeded: -Self.exitByteCount), 0xFF, 0xE3] { writer.byte(byte) }
    let starts = groups.map { writeGroup($0.answers, unknown: unknown, &writer) }
    let start = writer.address
    writer.store(.rbx, absolute: RuntimeLayout.identityReturn)
    // mov edx, ecx
    writer.byte(0x89)
    writer.byte(0xCA)
    for (group, target) in zip(groups, starts) { jump(to: target, ifRegister: 0x88, is: group.leaf, &writer) }
    jump(to: unknown, &writer)
    return start
  }

  /// Writes what answers for one leaf, and returns its offset.
  private func writeGroup(_ answers: [IdentityAnswer], unknown: Int, _ writer: inout CodeWriter) -> Int {
    var offsets: [Int] = []
    for answer in answers {
      offsets.append(writer.offset)
      for (opcode, value) in [(0xB8, answer.eax), (0xBB, answer.ebx), (0xB9, answer.ecx), (0xBA, answer.edx)] {
        writer.byte(UInt8(opcode))
        writer.dword(value)
      }
      // jmp [return]
      for byte in [0xFF, 0x24, 0x25] { writer.byte(UInt8(byte)) }
      writer.dword(RuntimeLayout.identityReturn)
    }
    if let first = answers.first, first.subleaf == nil { return offsets[0] }
    let start = writer.offset
    for (answer, offset) in zip(answers, offsets) {
      jump(to: offset, ifRegister: 0x8A, is: answer.subleaf ?? 0, &writer)
    }
    jump(to: unknown, &writer)
    return start
  }

  /// `lea ecx, [register - value]; jrcxz`: the ModRM byte names the register.
  private func jump(to target: Int, ifRegister modRM: UInt8, is value: UInt32, _ writer: inout CodeWriter) {
    writer.byte(0x8D)
    writer.byte(modRM)
    writer.dword(0 &- value)
    for byte in [0xE3, 0x02, 0xEB, 0x05] { writer.byte(UInt8(byte)) }
    jump(to: target, &writer)
  }

  private func jump(to target: Int, _ writer: inout CodeWriter) {
    writer.byte(0xE9)
    writer.dword(UInt32(bitPattern: Int32(target - (writer.offset + 4))))
  }
}
