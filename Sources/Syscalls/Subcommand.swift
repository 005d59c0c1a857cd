package import KernelABI

/// One row of a request-keyed table: what an ioctl, fcntl, prctl … with that request does.
package struct SubcommandDescriptor: Sendable {
  package var request: UInt64
  /// The request's name, such as `TCGETS`; for an unknown one, its number as strace shows it.
  package var name: String
  package var blocking: SyscallDescriptor.Blocking
  /// `.emulate`, `.refuse` or `.unsupported`.
  package var policy: SyscallDescriptor.Policy
  /// All parameters of the call; they take the place of the generic ones.
  package var parameters: [Parameter]
  package var note: String?
  /// The table doesn't know this request: the outputs are a guess, about which the recorder warns by name.
  package var isGuess: Bool
  /// What a refused request leaves in its output parameter, the one of index `answerArgument`.
  package var answer: [UInt8] = []
  package var answerArgument = 0
}

/// A row as the tables spell it: only what differs from the generic call.
struct SubcommandRow: Sendable {
  var request: UInt64
  var name: String
  var blocking: SyscallDescriptor.Blocking
  var policy: SyscallDescriptor.Policy
  /// The kinds of the parameters that depend on the request, from the table's `firstParameter` on.
  var kinds: [Parameter.Kind]
  var note: String?
  var answer: [UInt8] = []

  init(_ request: UInt64, _ name: String, _ kinds: [Parameter.Kind], note: String? = nil) {
    self.init(request, name, .never, .emulate, kinds, note: note)
  }

  init(
    _ request: UInt64, _ name: String, _ blocking: SyscallDescriptor.Blocking, _ policy: SyscallDescriptor.Policy,
    _ kinds: [Parameter.Kind], note: String? = nil, answer: [UInt8] = []
  ) {
    self.request = request
    self.name = name
    self.blocking = blocking
    self.policy = policy
    self.kinds = kinds
    self.note = note
    self.answer = answer
  }
}

extension SubcommandTable {
  /// Where the request of that system call lies; most calls of a table agree, quotactl_fd(2) differs from quotactl(2).
  package func requestArgument(number: Int) -> Int {
    switch self {
    case .ioctl, .fcntl, .futex, .sharedMemoryControl, .messageControl: 1
    case .prctl, .keyControl, .bpf, .descriptorTable: 0
    case .socketOptionGet, .socketOptionSet, .semaphoreControl: 2
    case .quota: number == SyscallNumber.quotactl_fd ? 1 : 0
    }
  }

  /// The first parameter whose kind depends on the request.
  var firstParameter: Int {
    switch self {
    case .ioctl, .fcntl, .sharedMemoryControl, .messageControl: 2
    case .futex: 2
    case .prctl, .keyControl, .bpf, .descriptorTable: 1
    case .semaphoreControl, .socketOptionGet, .socketOptionSet, .quota: 3
    }
  }

  /// The row for the call that these registers make.
  package func row(for registers: Registers) -> SubcommandDescriptor? {
    row(number: registers.syscallNumber) { registers.argument($0) }
  }

  /// The row for a call of that number with those arguments; nil where the generic row says all that is known.
  package func row(number: Int, arguments: (Int) -> UInt64) -> SubcommandDescriptor? {
    let request = arguments(requestArgument(number: number))
    if number == usualNumber, var row = Self.described[self]?[significantPart(of: request)] {
      row.request = request
      return row
    }
    let second: UInt64 =
      switch self {
      case .socketOptionGet, .socketOptionSet, .prctl: arguments(1)
      default: 0
      }
    return describe(number: number, request: request, second: second)
  }

  /// The rows of fixed lists, made once: a futex or fcntl is too common to be put together at each call.
  private static let described: [SubcommandTable: [UInt64: SubcommandDescriptor]] = {
    var result: [SubcommandTable: [UInt64: SubcommandDescriptor]] = [:]
    for table in allCases {
      for request in table.knownRequests {
        // The quota type isn't part of a listed command.
        let whole = table == .quota ? request << 8 : request
        result[table, default: [:]][request] = table.describe(number: table.usualNumber, request: whole, second: 0)
      }
    }
    return result
  }()

  private func describe(number: Int, request: UInt64, second: UInt64) -> SubcommandDescriptor? {
    guard let call = SyscallTable.descriptor(number), let found = lookUp(request, second: second) else { return nil }
    // Parameters beyond those of the row mean nothing for this request.
    var parameters = Array(call.parameters.prefix(firstParameter + found.row.kinds.count))
    for (index, kind) in found.row.kinds.enumerated() where firstParameter + index < parameters.count {
      parameters[firstParameter + index].kind = kind
    }
    return SubcommandDescriptor(
      request: request, name: found.row.name, blocking: found.row.blocking, policy: found.row.policy,
      parameters: parameters, note: found.row.note, isGuess: found.isGuess, answer: found.row.answer,
      answerArgument: firstParameter)
  }

  /// The row for a request to the table's usual system call. `second` tells rows of one request apart: the level of a
  /// socket option, the first argument of a prctl.
  package func row(for request: UInt64, second: UInt64 = 0) -> SubcommandDescriptor? {
    let number = usualNumber
    return row(number: number) { index in
      if index == requestArgument(number: number) { return request }
      return index == 1 ? second : 0
    }
  }

  private var usualNumber: Int {
    switch self {
    case .ioctl: SyscallNumber.ioctl
    case .fcntl: SyscallNumber.fcntl
    case .prctl: SyscallNumber.prctl
    case .socketOptionGet: SyscallNumber.getsockopt
    case .socketOptionSet: SyscallNumber.setsockopt
    case .futex: SyscallNumber.futex
    case .sharedMemoryControl: SyscallNumber.shmctl
    case .semaphoreControl: SyscallNumber.semctl
    case .messageControl: SyscallNumber.msgctl
    case .keyControl: SyscallNumber.keyctl
    case .bpf: SyscallNumber.bpf
    case .quota: SyscallNumber.quotactl
    case .descriptorTable: SyscallNumber.modify_ldt
    }
  }
}

extension SyscallDescriptor {
  /// The row for the call that these registers make: for calls with a request, its subcommand's blocking, policy and
  /// parameters instead of the generic ones.
  package func resolved(for registers: Registers) -> SyscallDescriptor {
    var result = self
    guard case .subcommand(let table) = policy else {
      if case .special = policy { result.parameters = specialParameters { registers.argument($0) } }
      return result
    }
    if let row = table.row(for: registers) {
      result.blocking = row.blocking
      result.policy = row.policy
      result.parameters = row.parameters
      result.note = row.note ?? note
    } else {
      result.policy = .emulate
    }
    return result
  }

  /// The parameters of a call with code of its own whose output depends on its flags.
  func specialParameters(_ arguments: (Int) -> UInt64) -> [Parameter] {
    var result = parameters
    switch number {
    case SyscallNumber.arch_prctl:
      if ArchControl.writes(arguments(0)) { result[1].kind = .output(.fixed(KernelSize.long), .pointer) }
    case SyscallNumber.clone:
      // clone(2): each pointer counts only with its flag; the child's is written in the child's memory.
      let flags = arguments(0)
      let sharesMemory: UInt64 = 0x100, storesPidDescriptor: UInt64 = 0x1000, storesInParent: UInt64 = 0x10_0000
      let storesInChild: UInt64 = 0x100_0000
      if flags & (storesInParent | storesPidDescriptor) == 0 { result[2].kind = .address }
      if flags & storesInChild == 0 || flags & sharesMemory == 0 { result[3].kind = .address }
    default: break
    }
    return result
  }
}

/// The options of arch_prctl(2) (asm/prctl.h).
private enum ArchControl {
  /// ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_XCOMP_SUPP, ARCH_GET_XCOMP_PERM, ARCH_GET_XCOMP_GUEST_PERM,
  /// ARCH_GET_UNTAG_MASK, ARCH_GET_MAX_TAG_BITS and ARCH_SHSTK_STATUS store a 64-bit value.
  static func writes(_ option: UInt64) -> Bool {
    switch option {
    case 0x1003, 0x1004, 0x1021, 0x1022, 0x1024, 0x4001, 0x4003, 0x5005: true
    default: false
    }
  }
}
