/// The general registers of a tracee, laid out as the kernel's `struct user_regs_struct` (sys/user.h), 27 × 8 bytes.
package struct Registers: Equatable, Sendable, BitwiseCopyable {
  package var r15: UInt64 = 0
  package var r14: UInt64 = 0
  package var r13: UInt64 = 0
  package var r12: UInt64 = 0
  package var rbp: UInt64 = 0
  package var rbx: UInt64 = 0
  package var r11: UInt64 = 0
  package var r10: UInt64 = 0
  package var r9: UInt64 = 0
  package var r8: UInt64 = 0
  package var rax: UInt64 = 0
  package var rcx: UInt64 = 0
  package var rdx: UInt64 = 0
  package var rsi: UInt64 = 0
  package var rdi: UInt64 = 0
  package var origRax: UInt64 = 0
  package var rip: UInt64 = 0
  package var cs: UInt64 = 0
  package var eflags: UInt64 = 0
  package var rsp: UInt64 = 0
  package var ss: UInt64 = 0
  package var fsBase: UInt64 = 0
  package var gsBase: UInt64 = 0
  package var ds: UInt64 = 0
  package var es: UInt64 = 0
  package var fs: UInt64 = 0
  package var gs: UInt64 = 0

  package init() {}

  package static let byteCount = 216

  /// The names and values, in the order of the structure.
  package var named: [(name: String, value: UInt64)] {
    [
      ("r15", r15), ("r14", r14), ("r13", r13), ("r12", r12), ("rbp", rbp), ("rbx", rbx), ("r11", r11),
      ("r10", r10), ("r9", r9), ("r8", r8), ("rax", rax), ("rcx", rcx), ("rdx", rdx), ("rsi", rsi), ("rdi", rdi),
      ("orig_rax", origRax), ("rip", rip), ("cs", cs), ("eflags", eflags), ("rsp", rsp), ("ss", ss),
      ("fs_base", fsBase), ("gs_base", gsBase), ("ds", ds), ("es", es), ("fs", fs), ("gs", gs),
    ]
  }
}

// MARK: - The system-call convention (syscall(2), "Architecture calling conventions")

extension Registers {
  /// The number of the system call that the tracee is in, -1 outside of one.
  package var syscallNumber: Int {
    get { Int(Int64(bitPattern: origRax)) }
    set { origRax = UInt64(bitPattern: Int64(newValue)) }
  }

  /// The result: -4095...-1 is a negated errno.
  package var syscallResult: Int64 {
    get { Int64(bitPattern: rax) }
    set { rax = UInt64(bitPattern: newValue) }
  }

  package var syscallFailed: Bool { (-4095 ... -1).contains(syscallResult) }

  /// Argument `index`, 0...5.
  package func argument(_ index: Int) -> UInt64 {
    switch index {
    case 0: rdi
    case 1: rsi
    case 2: rdx
    case 3: r10
    case 4: r8
    case 5: r9
    default: preconditionFailure("a system call has six arguments")
    }
  }

  package mutating func setArgument(_ index: Int, _ value: UInt64) {
    switch index {
    case 0: rdi = value
    case 1: rsi = value
    case 2: rdx = value
    case 3: r10 = value
    case 4: r8 = value
    case 5: r9 = value
    default: preconditionFailure("a system call has six arguments")
    }
  }

  /// The code segment is `__USER_CS` (arch/x86/include/asm/segment.h).
  package var isIn64BitCode: Bool { cs == 0x33 }

  package var instructionPointer: RemotePointer {
    get { .init(rip) }
    set { rip = newValue.rawValue }
  }
  package var stackPointer: RemotePointer { .init(rsp) }
}
