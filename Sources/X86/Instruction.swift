/// What the translator needs to know of one decoded instruction, in 16 bytes.
///
/// Everything else about an instruction stays in its bytes: nearly all instructions are copied as they are.
package struct Instruction: Sendable, BitwiseCopyable {
  /// What an instruction does to the flow of control, or why it can't simply be copied.
  package enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Continues with the next instruction and may be copied.
    case sequential
    /// `jcc` with a relative target.
    case conditionalJump
    /// `jrcxz`, `jecxz`, `loop`, `loope`, `loopne`: an 8-bit relative target and no other form.
    case counterJump
    case jump
    case call
    /// `jmp` and `call` through a register or memory.
    case indirectJump
    case indirectCall
    /// A near return; `relative` is the number of bytes it pops in addition.
    case nearReturn
    /// `retf`, `iret`, `jmp far`, `call far`, `sysret`, `sysexit`.
    case farTransfer
    case syscall
    /// `int n`; the vector is the last byte.
    case interrupt
    /// The program's own `int3` or `int1`.
    case breakpoint
    /// `ud0`, `ud1`, `ud2`.
    case undefined
    case sysenter
    case rdtsc, rdtscp, rdpmc, cpuid, rdrand, rdseed, rdpid, xgetbv
    case xbegin
    /// Instructions that write the processor's own state of the FPU and vector units: the `xsave` family, `fxsave`,
    /// `fnstenv`, `fnsave`. What they store can name the address of an earlier instruction, or depend on which parts of
    /// the state the processor holds to be in their initial configuration.
    case stateSave
    /// A near branch with an operand-size prefix, which processors of different makers execute differently.
    case makerDependent

    /// Whether what executes the instruction may look at the flags: `syscall` leaves them in r11, a handler of a trap
    /// finds them in its signal frame.
    var exposesFlags: Bool {
      switch self {
      case .syscall, .sysenter, .interrupt, .breakpoint, .undefined, .farTransfer, .makerDependent, .xbegin: true
      default: false
      }
    }
  }

  /// How the opcode is introduced, and with that where the bits that extend register numbers are.
  package enum Encoding: UInt8, Sendable, BitwiseCopyable {
    case legacy, vex, evex, xop
  }

  package var length: UInt8
  package var kind: Kind
  package var encoding: Encoding
  package var flagsRead: StatusFlags
  /// The status flags whose value after the instruction never depends on their value before it.
  package var flagsKilled: StatusFlags
  /// The offset of the 32-bit displacement of a RIP-relative memory operand; 0 if there is none.
  package var displacementOffset: UInt8
  /// The offset of the ModRM byte; 0 if there is none.
  package var modRMOffset: UInt8
  /// The last byte of the opcode: for a conditional jump its low four bits are the condition.
  package var opcode: UInt8
  /// Whether there is an address-size prefix, which cuts memory addresses to 32 bits.
  package var hasAddressSizePrefix: Bool
  /// A branch's distance from the end of the instruction, also that of `xbegin`, or the operand of `ret`.
  package var relative: Int32

  package init(length: UInt8 = 0, kind: Kind = .sequential) {
    self.length = length
    self.kind = kind
    encoding = .legacy
    flagsRead = .none
    flagsKilled = .none
    displacementOffset = 0
    modRMOffset = 0
    opcode = 0
    hasAddressSizePrefix = false
    relative = 0
  }

  package static var byteCountMax: Int { 15 }

  package var isRIPRelative: Bool { displacementOffset != 0 }

  /// The target of a direct branch at `address`.
  package func target(at address: UInt64) -> UInt64 {
    address &+ UInt64(length) &+ UInt64(bitPattern: Int64(relative))
  }

  /// Whether control never goes on to the next instruction by itself, as after a jump or a return.
  package var endsRun: Bool {
    switch kind {
    case .jump, .indirectJump, .nearReturn, .farTransfer, .undefined, .makerDependent: true
    default: false
    }
  }
}
