import X86

/// What the translator counts, follows and intercepts. Fixed for the life of an address space's translations.
package struct TranslationOptions: Sendable {
  /// The unit of progress of the translated code.
  package enum TickDefinition: Sendable {
    /// One tick for every taken control transfer that doesn't move forward: a direct jump, taken conditional branch
    /// or call to an address not above its own, and every indirect jump, indirect call and return. Between two ticks
    /// the program counter only grows.
    case nonForwardTransfers
    /// One tick for every conditional branch that retires, taken or not: what the hardware counter counts.
    case retiredConditionalBranches
    /// Nothing is counted. Code that loops can't be stopped at a place of one's choosing.
    case none
  }

  package enum SystemCallStyle: Sendable {
    /// `syscall` stays in the translation, followed by an instruction that puts the application's return address into
    /// rcx. The kernel's restarts, which go back two bytes, work without help.
    case inCache
    /// `syscall` leaves through an exit, as the intercepted instructions do.
    case exit
  }

  package var tickDefinition = TickDefinition.nonForwardTransfers
  package var systemCallStyle = SystemCallStyle.inCache
  /// The instructions that leave through an exit instead of being executed. Those that can't be executed in a
  /// translation (far transfers, traps, `int n`) always leave.
  package var intercepted: InterceptedInstructions = .all
  /// What cpuid answers without a stop, if it is intercepted.
  package var identity: [IdentityAnswer] = []
  /// The room for translations in each zone, in bytes, 64 KiB to 64 MiB: when one is full, all are emptied.
  package var zoneByteCount = 1 << 26
  /// How many instructions to translate per missing translation before direct branches are no longer followed.
  package var followedInstructionCount = 300

  package init() {}
}

/// Kinds of instructions whose results aren't a function of the program's state.
package struct InterceptedInstructions: OptionSet, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let timeStamp = InterceptedInstructions(rawValue: 1)
  package static let performanceCounter = InterceptedInstructions(rawValue: 2)
  package static let processorIdentity = InterceptedInstructions(rawValue: 4)
  package static let randomNumber = InterceptedInstructions(rawValue: 8)
  package static let processorNumber = InterceptedInstructions(rawValue: 16)
  package static let extendedControl = InterceptedInstructions(rawValue: 32)
  package static let transaction = InterceptedInstructions(rawValue: 64)
  package static let stateSave = InterceptedInstructions(rawValue: 128)
  package static let all = InterceptedInstructions(rawValue: 255)

  func includes(_ kind: Instruction.Kind) -> Bool {
    switch kind {
    case .rdtsc: contains(.timeStamp)
    case .rdtscp: contains(.timeStamp) || contains(.processorNumber)
    case .rdpmc: contains(.performanceCounter)
    case .cpuid: contains(.processorIdentity)
    case .rdrand, .rdseed: contains(.randomNumber)
    case .rdpid: contains(.processorNumber)
    case .xgetbv: contains(.extendedControl)
    case .xbegin: contains(.transaction)
    case .stateSave: contains(.stateSave)
    case .interrupt, .breakpoint, .undefined, .farTransfer, .sysenter, .makerDependent: true
    default: false
    }
  }
}
